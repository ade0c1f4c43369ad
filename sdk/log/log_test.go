//go:build !wasip1

package log_test

import (
	"io"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

type stream struct {
	types.DefaultHttpContext
	f func()
}

func (s *stream) OnHttpRequestHeaders(int, bool) types.Action { s.f(); return types.ActionContinue }

// start begins a plugin whose streams run f; next begins another stream.
func start(t *testing.T, host *hosttest.Host, f func()) (next func()) {
	t.Helper()
	proxywasm.SetHttpContext(func(uint32) types.HttpContext { return &stream{f: f} })
	p := proxywasm.NewPlugin(host)
	t.Cleanup(func() { p.(io.Closer).Close() })
	if err := p.OnContextCreate(1, 0); err != nil {
		t.Fatal(err)
	}
	id := uint32(1)
	return func() {
		t.Helper()
		id++
		if err := p.OnContextCreate(id, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := p.OnRequestHeaders(id, 0, true); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLevels(t *testing.T) {
	host := hosttest.New()
	host.Level = abi.LogWarn
	log.SetPluginLog(log.New("test"))
	next := start(t, host, func() {
		log.Trace("t")
		log.Debug("d")
		log.Info("i")
		log.Infof("%d", 1)
		log.Warn("w")
		log.Errorf("%s%%", "e")
		log.Critical("c")
	})
	next()
	if want := []string{"warn: [test] w", "error: [test] e%", "critical: [test] c"}; !slices.Equal(host.Logs, want) {
		t.Fatalf("log %q, want %q", host.Logs, want)
	}
	if n := host.Count("GetLogLevel"); n != 1 {
		t.Fatalf("the level was asked for %d times", n)
	}
	host.Logs, host.Level = nil, abi.LogCritical
	next()
	if want := []string{"critical: [test] c"}; !slices.Equal(host.Logs, want) {
		t.Fatalf("log after a change of level %q, want %q", host.Logs, want)
	}
	host.Logs = nil
	host.Refuse["GetLogLevel"] = abi.StatusUnimplemented
	next()
	if len(host.Logs) != 7 {
		t.Fatalf("log on a host without levels %q", host.Logs)
	}
}

// A request id is the client's: it must not be taken for a format.
func TestPrefixes(t *testing.T) {
	host := hosttest.New()
	host.Properties["request.id"] = "id-%s-%d"
	log.SetPluginLog(log.New("test"))
	next := start(t, host, func() { log.ResetID("configuration"); log.Infof("%s", "line"); log.Info("100%") })
	next()
	want := []string{"info: [test] [configuration] [id-%s-%d] line", "info: [test] [configuration] [id-%s-%d] 100%"}
	if !slices.Equal(host.Logs, want) {
		t.Fatalf("log %q, want %q", host.Logs, want)
	}
}

func TestSafeLog(t *testing.T) {
	host := hosttest.New()
	host.Level = abi.LogTrace
	log.SetPluginLog(log.New(""))
	t.Cleanup(func() { log.SetSafeLogEnabled(false) })
	next := start(t, host, func() { log.UnsafeInfo("secret"); log.UnsafeInfof("%d", 42) })
	next()
	log.SetSafeLogEnabled(true)
	next()
	want := []string{"info: secret", "info: 42", "debug: secret", "debug: 42"}
	if !slices.Equal(host.Logs, want) || !log.IsSafeLogEnabled() {
		t.Fatalf("log %q, want %q", host.Logs, want)
	}
}
