package pluginhost

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

var errTrap = errors.New("guest panicked: boom")

func trap(call) (uint32, error) { return 0, errTrap }

func refuse(c call) (uint32, error) {
	c.Log(abi.LogWarn, []byte("no such key"))
	c.Log(abi.LogDebug, []byte("leaving"))
	return 0, nil
}

func TestStartFailure(t *testing.T) {
	for _, tc := range []struct {
		name    string
		on      map[string]handler
		edit    func(*Config)
		step    string
		cause   error
		lastLog string
	}{
		{"no code", nil, func(c *Config) { c.Native = nil }, StepCompile, ErrNoCode, ""},
		{"no engine", nil, func(c *Config) { c.Native, c.Code = nil, []byte("x") }, StepCompile, ErrNoEngine, ""},
		{"no plugin", nil, func(c *Config) { c.Native = func(abi.Host) abi.Plugin { return nil } }, StepInstantiate, nil, ""},
		{"create traps", map[string]handler{"context_create": trap}, nil, StepCreateContext, errTrap, ""},
		{"start traps", map[string]handler{"vm_start": trap}, nil, StepStart, errTrap, ""},
		{"start refused", map[string]handler{"vm_start": refuse}, nil, StepStart, ErrRefused, "no such key"},
		{"configure traps", map[string]handler{"configure": trap}, nil, StepConfigure, errTrap, ""},
		{"configure refused", map[string]handler{"configure": refuse}, nil, StepConfigure, ErrRefused, "no such key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := tryStart(tc.on, func(c *Config) {
				c.CodeSource = "p.wasm"
				if tc.edit != nil {
					tc.edit(c)
				}
			})
			defer closeHost(t, s.host)
			var start *StartError
			if !errors.As(err, &start) {
				t.Fatalf("error %v is no StartError", err)
			}
			if start.Step != tc.step || start.Plugin != "test" || start.LastLog != tc.lastLog || start.Source != "p.wasm" {
				t.Errorf("got %+v", start)
			}
			if tc.cause != nil && !errors.Is(err, tc.cause) {
				t.Errorf("error %v is not %v", err, tc.cause)
			}
			if !strings.HasPrefix(err.Error(), `plugin "test" (p.wasm): `+tc.step+": ") {
				t.Errorf("error says %q", err)
			}
			if n := len(s.host.groups) + len(s.host.plugins) + len(s.host.data.spaces); n != 0 {
				t.Errorf("%d things left in the host", n)
			}
		})
	}
}

func TestStartRefusedIsDeleted(t *testing.T) {
	s, err := tryStart(map[string]handler{"configure": refuse, "done": refuse})
	defer closeHost(t, s.host)
	if err == nil {
		t.Fatal("started")
	}
	wantEqual(t, "callbacks", s.fake.took(), "context_create 1, vm_start 1, configure 1, done 1, delete 1")
}

func TestStartAndStreamOrder(t *testing.T) {
	s, err := tryStart(nil)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "start", s.fake.took(), "context_create 1, vm_start 1, configure 1")
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, false)
	f.DecodeData(buffer("x"), false)
	f.DecodeTrailers(cb.request)
	f.EncodeHeaders(cb.response, false)
	f.EncodeData(buffer("y"), false)
	f.EncodeTrailers(cb.response)
	f.OnLog()
	f.OnDestroy()
	f.OnDestroy()
	wantEqual(t, "stream", s.fake.took(), "context_create 2, request_headers 2, request_body 2, request_trailers 2, "+
		"response_headers 2, response_body 2, response_trailers 2, log 2, done 2, delete 2")
	closeHost(t, s.host)
	wantEqual(t, "end", s.fake.took(), "done 1, delete 1")
	if _, err := s.host.NewPlugin(context.Background(), s.plugin.cfg); !errors.Is(err, ErrClosed) {
		t.Errorf("new plugin in a closed host: %v", err)
	}
}

func TestStreamThatNeverCameIsLogged(t *testing.T) {
	s := start(t, nil)
	cb := newStream()
	f := s.filter(cb)
	wantEqual(t, "headers", f.EncodeHeaders(cb.response, false), abi.HeaderContinue)
	wantEqual(t, "data", f.EncodeData(buffer("x"), true), abi.DataContinue)
	f.OnLog()
	f.OnDestroy()
	wantEqual(t, "callbacks", s.fake.took(), "context_create 2, log 2, done 2, delete 2")
}

func TestCloseWaitsForStreams(t *testing.T) {
	s := start(t, nil)
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.plugin.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
	late := newStream()
	wantEqual(t, "late stream", s.filter(late).DecodeHeaders(late.request, true), abi.HeaderStopAllIterationAndWatermark)
	wantEqual(t, "late stream", late.happened(), failReply)

	wantEqual(t, "stream goes on", f.EncodeHeaders(cb.response, true), abi.HeaderContinue)
	f.OnLog()
	s.fake.took()
	f.OnDestroy()
	wantEqual(t, "end", s.fake.took(), "done 2, delete 2, done 1, delete 1")
	if err := s.plugin.Close(context.Background()); err != nil {
		t.Error(err)
	}
	f.OnDestroy()
	wantEqual(t, "after the end", s.fake.took(), "")
}

func TestRootDefersItsEnd(t *testing.T) {
	ticks := 0
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			wantEqual(t, "done before its time", c.Done(), abi.StatusNotFound)
			return 1, nil
		},
		"done": func(c call) (uint32, error) {
			c.SetTickPeriod(1)
			return 0, nil
		},
		"tick": func(c call) (uint32, error) {
			if ticks++; ticks == 3 {
				wantEqual(t, "done", c.Done(), abi.StatusOK)
				wantEqual(t, "done again", c.Done(), abi.StatusNotFound)
			}
			return 0, nil
		},
	})
	if err := s.plugin.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "callbacks", s.fake.took(), "done 1, tick 1, tick 1, tick 1, delete 1")
}

func TestSharedVM(t *testing.T) {
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			conf, _ := c.GetBufferBytes(nil, abi.BufferPluginConfiguration, 0, 100)
			if string(conf) == "bad" {
				return 0, errTrap
			}
			return 1, nil
		},
	})
	cfg := s.plugin.cfg
	second := cfg
	second.Name, second.RootID, second.Configuration = "second", "r2", []byte("two")
	p2, err := s.host.NewPlugin(context.Background(), second)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "second plugin", s.fake.took(), "context_create 2, vm_start 2, configure 2")
	if p2.group != s.plugin.group {
		t.Error("the plugins do not share a VM")
	}
	other := cfg
	other.VMID = "else"
	p3, err := s.host.NewPlugin(context.Background(), other)
	if err != nil {
		t.Fatal(err)
	}
	if p3.group == s.plugin.group {
		t.Error("plugins of different vm_id share a VM")
	}
	if err := p2.Close(context.Background()); err != nil {
		t.Error(err)
	}

	t.Run("the first plugin lives on", func(t *testing.T) {
		cb := newStream()
		f := s.filter(cb)
		wantEqual(t, "headers", f.DecodeHeaders(cb.request, true), abi.HeaderContinue)
		f.OnDestroy()
		wantEqual(t, "events", cb.happened(), "")
	})
	t.Run("a plugin that takes the VM with it at its start", func(t *testing.T) {
		bad := cfg
		bad.Name, bad.Configuration = "bad", []byte("bad")
		if _, err := s.host.NewPlugin(context.Background(), bad); !errors.Is(err, errTrap) {
			t.Fatalf("error %v", err)
		}
		cb := newStream()
		f := s.filter(cb)
		wantEqual(t, "headers", f.DecodeHeaders(cb.request, true), abi.HeaderContinue)
		f.OnDestroy()
		wantEqual(t, "events", cb.happened(), "")
	})
}

// resumer is a stream that, resumed, goes on to a next filter.
type resumer struct {
	*stream
	next func()
}

func (s *resumer) ContinueDecoding() { s.next() }

// A plugin that dies at its start fails the streams of those that share its VM, and what these do then may need the
// group of VMs itself.
func TestStartThatFailsOthersStreams(t *testing.T) {
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			conf, _ := c.GetBufferBytes(nil, abi.BufferPluginConfiguration, 0, 100)
			if string(conf) == "bad" {
				return 0, errTrap
			}
			return 1, nil
		},
		"request_headers": answer(abi.HeaderStopIteration),
	}, func(c *Config) { c.FailurePolicy = FailOpen })
	cfg := s.plugin.cfg
	cfg.Name, cfg.FailurePolicy, cfg.ReloadBackoff = "reloads", FailReload, 1
	reloads, err := s.host.NewPlugin(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	cb := newStream()
	second := reloads.NewFilter(0, cb)
	var got abi.Action
	f := s.plugin.NewFilter(0, &resumer{cb, func() { got = second.DecodeHeaders(cb.request, true) }})
	wantEqual(t, "paused", f.DecodeHeaders(cb.request, true), abi.HeaderStopIteration)
	cfg.Name, cfg.Configuration = "bad", []byte("bad")
	if _, err := s.host.NewPlugin(t.Context(), cfg); !errors.Is(err, errTrap) {
		t.Fatalf("error %v", err)
	}
	wantEqual(t, "next filter", got, abi.HeaderStopIteration)
	wantEqual(t, "events", cb.happened(), "")
	f.OnDestroy()
	second.OnDestroy()
}

// closable is a native plugin that must be closed.
type closable struct {
	abi.Plugin
	closed int
}

func (c *closable) Close() error {
	c.closed++
	return errors.New("cannot be closed")
}

func TestNativePluginIsClosed(t *testing.T) {
	c := &closable{Plugin: &fake{}}
	s := start(t, nil, func(cfg *Config) {
		start := cfg.Native
		cfg.Native = func(h abi.Host) abi.Plugin { start(h); return c }
	})
	wantEqual(t, "name", s.plugin.Name(), "test")
	closeHost(t, s.host)
	wantEqual(t, "closed", c.closed, 1)
	if !strings.Contains(s.log.String(), "cannot be closed") {
		t.Errorf("log:\n%s", s.log.String())
	}
}

// A plugin that is being started when its host is closed is not started.
func TestHostClosedDuringStart(t *testing.T) {
	s := start(t, nil)
	cfg := s.plugin.cfg
	cfg.VMID = "another"
	p, err := s.host.join(cfg)
	if err != nil {
		t.Fatal(err)
	}
	closeHost(t, s.host)
	s.fake.took()
	if err := p.group.start(t.Context(), p); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	wantEqual(t, "callbacks", s.fake.took(), "")
}
