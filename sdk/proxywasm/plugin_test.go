//go:build !wasip1

package proxywasm_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// httpFuncs is an HTTP context made of functions; what is nil does nothing.
type httpFuncs struct {
	types.DefaultHttpContext
	requestHeaders  func(n int, eos bool) types.Action
	requestBody     func(n int, eos bool) types.Action
	responseHeaders func(n int, eos bool) types.Action
	done            func()
}

func (h *httpFuncs) OnHttpRequestHeaders(n int, eos bool) types.Action {
	if h.requestHeaders == nil {
		return types.ActionContinue
	}
	return h.requestHeaders(n, eos)
}

func (h *httpFuncs) OnHttpRequestBody(n int, eos bool) types.Action {
	if h.requestBody == nil {
		return types.ActionContinue
	}
	return h.requestBody(n, eos)
}

func (h *httpFuncs) OnHttpResponseHeaders(n int, eos bool) types.Action {
	if h.responseHeaders == nil {
		return types.ActionContinue
	}
	return h.responseHeaders(n, eos)
}

func (h *httpFuncs) OnHttpStreamDone() {
	if h.done != nil {
		h.done()
	}
}

// rootID and streamID are the contexts of started plugins.
const rootID, streamID = 1, 2

// start registers a plugin whose streams are all ctx, and begins one.
func start(t *testing.T, host abi.Host, ctx types.HttpContext) abi.Plugin {
	t.Helper()
	proxywasm.SetHttpContext(func(uint32) types.HttpContext { return ctx })
	return begin(t, host)
}

// begin starts what is registered, and a stream.
func begin(t *testing.T, host abi.Host) abi.Plugin {
	t.Helper()
	p := proxywasm.NewPlugin(host)
	t.Cleanup(func() { p.(io.Closer).Close() })
	must(t, p.OnContextCreate(rootID, 0))
	if ok, err := p.OnVMStart(rootID, 0); err != nil || !ok {
		t.Fatalf("OnVMStart: %v %v", ok, err)
	}
	if ok, err := p.OnConfigure(rootID, 0); err != nil || !ok {
		t.Fatalf("OnConfigure: %v %v", ok, err)
	}
	must(t, p.OnContextCreate(streamID, rootID))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inRequest runs f in a request header callback on host.
func inRequest(t *testing.T, host abi.Host, f func()) {
	t.Helper()
	p := start(t, host, &httpFuncs{requestHeaders: func(int, bool) types.Action { f(); return types.HeaderContinue }})
	if _, err := p.OnRequestHeaders(streamID, 1, true); err != nil {
		t.Fatal(err)
	}
}

func TestCallbacksReachContexts(t *testing.T) {
	var got []string
	ctx := &httpFuncs{
		requestHeaders: func(n int, eos bool) types.Action {
			got = append(got, "request headers")
			if n != 3 || eos {
				t.Errorf("request headers: %d %v", n, eos)
			}
			return types.HeaderStopIteration
		},
		requestBody: func(n int, eos bool) types.Action {
			got = append(got, "request body")
			if n != 5 || !eos {
				t.Errorf("request body: %d %v", n, eos)
			}
			return types.DataStopIterationNoBuffer
		},
		responseHeaders: func(int, bool) types.Action {
			got = append(got, "response headers")
			return types.HeaderStopAllIterationAndBuffer
		},
		done: func() { got = append(got, "done") },
	}
	p := start(t, hosttest.New(), ctx)
	for _, step := range []struct {
		name string
		run  func() (abi.Action, error)
		want abi.Action
	}{
		{"request headers", func() (abi.Action, error) { return p.OnRequestHeaders(streamID, 3, false) }, abi.HeaderStopIteration},
		{"request body", func() (abi.Action, error) { return p.OnRequestBody(streamID, 5, true) }, abi.DataStopIterationNoBuffer},
		{"request trailers", func() (abi.Action, error) { return p.OnRequestTrailers(streamID, 0) }, abi.ActionContinue},
		{"response headers", func() (abi.Action, error) { return p.OnResponseHeaders(streamID, 1, false) }, abi.HeaderStopAllIterationAndBuffer},
		{"response body", func() (abi.Action, error) { return p.OnResponseBody(streamID, 1, false) }, abi.ActionContinue},
		{"response trailers", func() (abi.Action, error) { return p.OnResponseTrailers(streamID, 0) }, abi.ActionContinue},
	} {
		if a, err := step.run(); err != nil || a != step.want {
			t.Fatalf("%s: %v %v, want %v", step.name, a, err, step.want)
		}
	}
	must(t, p.OnLog(streamID))
	if done, err := p.OnDone(streamID); err != nil || !done {
		t.Fatalf("OnDone: %v %v", done, err)
	}
	must(t, p.OnDelete(streamID))
	if want := []string{"request headers", "request body", "response headers", "done"}; !slices.Equal(got, want) {
		t.Fatalf("callbacks %q, want %q", got, want)
	}
	if proxywasm.GetHttpContext(streamID) != nil {
		t.Fatal("the stream is still there")
	}
}

func TestUnknownStreamKillsThePlugin(t *testing.T) {
	p := start(t, hosttest.New(), &httpFuncs{})
	_, err := p.OnRequestHeaders(99, 0, true)
	var panicked *proxywasm.PanicError
	if !errors.As(err, &panicked) || panicked.Callback != "OnRequestHeaders" || !strings.Contains(string(panicked.Stack), "OnRequestHeaders") {
		t.Fatalf("error %v", err)
	}
	if _, err := p.OnRequestHeaders(streamID, 0, true); !errors.Is(err, proxywasm.ErrPluginDead) {
		t.Fatalf("a dead plugin answers %v", err)
	}
	// Its death makes room.
	must(t, start(t, hosttest.New(), &httpFuncs{}).OnLog(streamID))
}

func TestOneLivePlugin(t *testing.T) {
	first := start(t, hosttest.New(), &httpFuncs{})
	second := proxywasm.NewPlugin(hosttest.New())
	if err := second.OnContextCreate(7, 0); !errors.Is(err, proxywasm.ErrPluginLive) {
		t.Fatalf("second plugin: %v", err)
	}
	must(t, second.(io.Closer).Close())
	must(t, first.OnDelete(streamID))
	must(t, first.OnDelete(rootID))
	if err := first.OnTick(rootID); !errors.Is(err, proxywasm.ErrPluginDead) {
		t.Fatalf("a plugin without roots answers %v", err)
	}
	third := proxywasm.NewPlugin(hosttest.New())
	must(t, third.OnContextCreate(7, 0))
	must(t, third.(io.Closer).Close())
}

func TestPanicValueIsUnwrapped(t *testing.T) {
	sentinel := errors.New("sentinel")
	p := start(t, hosttest.New(), &httpFuncs{requestHeaders: func(int, bool) types.Action { panic(sentinel) }})
	if _, err := p.OnRequestHeaders(streamID, 0, true); !errors.Is(err, sentinel) {
		t.Fatalf("error %v", err)
	}
}

type tcpContext struct {
	types.DefaultTcpContext
	got []string
}

func (c *tcpContext) OnNewConnection() types.Action {
	c.got = append(c.got, "new")
	return types.ActionPause
}
func (c *tcpContext) OnDownstreamData(n int, eos bool) types.Action {
	data, err := proxywasm.GetDownstreamData(0, n)
	if err == nil {
		c.got = append(c.got, string(data))
		err = proxywasm.ReplaceDownstreamData([]byte("changed"))
	}
	if err != nil {
		c.got = append(c.got, err.Error())
	}
	return types.ActionContinue
}
func (c *tcpContext) OnDownstreamClose(p types.PeerType) {
	if p == types.PeerTypeRemote {
		c.got = append(c.got, "closed by client")
	}
}
func (c *tcpContext) OnStreamDone() { c.got = append(c.got, "done") }

func TestTCP(t *testing.T) {
	ctx := &tcpContext{}
	host := hosttest.New()
	host.Buffers[abi.BufferDownstreamData] = []byte("hello")
	proxywasm.SetTcpContext(func(uint32) types.TcpContext { return ctx })
	p := begin(t, host)
	if a, err := p.OnNewConnection(streamID); err != nil || a != abi.ActionPause {
		t.Fatalf("OnNewConnection: %v %v", a, err)
	}
	if a, err := p.OnDownstreamData(streamID, 5, false); err != nil || a != abi.ActionContinue {
		t.Fatalf("OnDownstreamData: %v %v", a, err)
	}
	if _, err := p.OnUpstreamData(streamID, 5, false); err != nil {
		t.Fatal(err)
	}
	must(t, p.OnDownstreamConnectionClose(streamID, abi.PeerRemote))
	must(t, p.OnUpstreamConnectionClose(streamID, abi.PeerLocal))
	must(t, p.OnLog(streamID))
	must(t, p.OnDelete(streamID))
	if want := []string{"new", "hello", "closed by client", "done"}; !slices.Equal(ctx.got, want) {
		t.Fatalf("got %q, want %q", ctx.got, want)
	}
	if got := string(host.Buffers[abi.BufferDownstreamData]); got != "changed" {
		t.Fatalf("data is %q", got)
	}
}

func TestPluginDoneDefers(t *testing.T) {
	host := hosttest.New()
	proxywasm.SetPluginContext(func(uint32) types.PluginContext { return &stubbornPlugin{} })
	p := proxywasm.NewPlugin(host)
	defer p.(io.Closer).Close()
	must(t, p.OnContextCreate(rootID, 0))
	if done, err := p.OnDone(rootID); err != nil || done {
		t.Fatalf("OnDone: %v %v", done, err)
	}
	must(t, p.OnTick(rootID))
	if host.Count("Done") != 1 {
		t.Fatalf("calls %q", host.Calls)
	}
}

type stubbornPlugin struct{ types.DefaultPluginContext }

func (*stubbornPlugin) OnPluginDone() bool { return false }
func (*stubbornPlugin) OnTick()            { proxywasm.PluginDone() }
