package pluginhost

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// hammerPlugin is a busy plugin: it pauses streams, resumes them from ticks and from other streams' callbacks, edits,
// replies and injects, and now and then dies. Its fields belong to one VM.
type hammerPlugin struct {
	paused map[uint32]bool
	calls  atomic.Int64
	deaths bool
}

func (h *hammerPlugin) start(host abi.Host) abi.Plugin {
	h.paused = map[uint32]bool{}
	p := &fake{host: host}
	stream := func(stop uint32) handler {
		return func(c call) (uint32, error) {
			h.calls.Add(1)
			c.GetHeaderMapPairs(nil, abi.MapHTTPRequestHeaders)
			c.AddHeaderMapValue(abi.MapHTTPRequestHeaders, []byte("x-h"), []byte("1"))
			c.AddHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("x-h"), []byte("1"))
			c.SetBufferBytes(abi.BufferHTTPRequestBody, 0, 0, []byte("+"))
			c.SetProperty(abi.Path("x_request_id"), []byte("id"))
			for id := range h.paused { // another stream
				if c.SetEffectiveContext(id) == abi.StatusOK {
					c.AddHeaderMapValue(abi.MapHTTPRequestHeaders, []byte("x-other"), []byte("1"))
					c.ContinueStream(abi.StreamHTTPRequest)
					c.ContinueStream(abi.StreamHTTPResponse)
				}
				delete(h.paused, id)
				break
			}
			c.SetEffectiveContext(c.id)
			c.SetSharedData([]byte("k"), []byte("v"), 0)
			switch n := rand.IntN(100); {
			case n < 30:
				h.paused[c.id] = true
				return stop, nil
			case n < 32:
				c.SendLocalResponse(403, []byte("d"), []byte("b"), nil, -1)
			case n < 34:
				c.InjectEncodedData([]byte("i"), false)
			case n < 35 && h.deaths:
				return 0, errTrap
			}
			return 0, nil
		}
	}
	p.on = map[string]handler{
		"configure": func(c call) (uint32, error) {
			c.SetTickPeriod(1)
			return 1, nil
		},
		"tick": func(c call) (uint32, error) {
			h.calls.Add(1)
			for id := range h.paused {
				if c.SetEffectiveContext(id) == abi.StatusOK {
					c.ContinueStream(abi.StreamHTTPRequest)
					c.ContinueStream(abi.StreamHTTPResponse)
				}
				delete(h.paused, id)
			}
			return 0, nil
		},
		"request_headers": stream(uint32(abi.HeaderStopAllIterationAndWatermark)),
		"request_body":    stream(uint32(abi.DataStopIterationAndBuffer)), "response_headers": stream(1), "response_body": stream(2),
		"delete": func(c call) (uint32, error) { delete(h.paused, c.id); return 0, nil },
	}
	return &quiet{p}
}

// quiet is a fake that does not note its calls.
type quiet struct{ *fake }

func (q *quiet) OnDelete(id uint32) error {
	q.fake.took()
	return q.fake.OnDelete(id)
}

// paced is a stream that tells when it was moved.
type paced struct {
	*stream
	moved    chan struct{}
	answered bool // of the turn
}

func (s *paced) tell() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}
func (s *paced) ContinueDecoding() { s.tell() }
func (s *paced) ContinueEncoding() { s.tell() }
func (s *paced) ReleaseDecoding()  { s.tell() }
func (s *paced) ReleaseEncoding()  { s.tell() }
func (s *paced) SendLocalReply(_ LocalReply) {
	s.answered = true
	s.tell()
}

// Many streams of two plugins that share a VM and one that does not, with ticks, resumes across streams, deaths and
// reloads: nothing deadlocks, races, is left paused or leaks.
func TestHammer(t *testing.T) {
	for _, deaths := range []bool{false, true} {
		name := "no deaths"
		if deaths {
			name = "deaths"
		}
		t.Run(name, func(t *testing.T) { hammer(t, deaths) })
	}
}

func hammer(t *testing.T, deaths bool) {
	host := New(Options{Workers: 2})
	shared, own := &hammerPlugin{deaths: deaths}, &hammerPlugin{deaths: deaths}
	cfg := Config{VMID: "vm", Native: shared.start, FailurePolicy: FailReload, ReloadBackoff: time.Nanosecond, LogLevel: abi.LogCritical}
	var plugins []*Plugin
	for i, native := range []func(abi.Host) abi.Plugin{cfg.Native, cfg.Native, own.start} {
		cfg.Name, cfg.Native = string(rune('a'+i)), native
		p, err := host.NewPlugin(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, p)
	}
	if plugins[0].group != plugins[1].group || plugins[0].group == plugins[2].group {
		t.Fatal("the wrong plugins share a VM")
	}
	const goroutines, streams = 8, 150
	var wg sync.WaitGroup
	var stuck atomic.Int64
	for range goroutines {
		wg.Go(func() {
			for range streams {
				if !hammerStream(host, plugins) {
					stuck.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := stuck.Load(); n > 0 {
		t.Errorf("%d streams were left paused", n)
	}
	if shared.calls.Load() == 0 || own.calls.Load() == 0 {
		t.Error("a plugin was not called")
	}
	closeHost(t, host)
	if n := len(host.groups) + len(host.plugins) + len(host.data.spaces); n != 0 {
		t.Errorf("%d things left in the host", n)
	}
}

// hammerStream runs a stream through all plugins. It reports whether each pause was ended.
func hammerStream(host *Host, plugins []*Plugin) bool {
	base := newStream()
	worker := host.PickWorker()
	moved := true
	run := func(cb *paced, paused func() abi.Action) {
		stop := abi.ActionContinue
		cb.onTurn(func() {
			if !cb.answered { // the chain calls no filter of a stream that was answered
				stop = paused()
			}
		})
		if stop == abi.ActionContinue || !moved {
			return
		}
		select {
		case <-cb.moved:
		case <-time.After(20 * time.Second):
			moved = false
		}
	}
	var filters []*Filter
	var cbs []*paced
	for _, p := range plugins {
		cb := &paced{stream: base, moved: make(chan struct{}, 1)}
		cbs = append(cbs, cb)
		filters = append(filters, p.NewFilter(worker, cb))
	}
	for i, f := range filters {
		run(cbs[i], func() abi.Action { return f.DecodeHeaders(base.request, false) })
		run(cbs[i], func() abi.Action { return f.DecodeData(buffer("x"), true) })
	}
	for i := len(filters) - 1; i >= 0; i-- {
		run(cbs[i], func() abi.Action { return filters[i].EncodeHeaders(base.response, false) })
		run(cbs[i], func() abi.Action { return filters[i].EncodeData(buffer("y"), true) })
	}
	base.onTurn(func() {
		for _, f := range filters {
			f.OnLog()
		}
		for _, f := range filters {
			f.OnDestroy()
		}
		base.over = true
	})
	return moved
}
