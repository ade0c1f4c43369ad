package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call is a callback that a fake plugin got.
type call struct {
	abi.Host
	id, n uint32 // context, and the number that goes with the callback (parent, size, count)
	end   bool
	args  []uint32 // the callback's arguments after n, if there are several
}

// handler answers a callback: an action, or 0 for false and 1 for true.
type handler func(c call) (uint32, error)

// fake is a plugin that answers by handlers, by the ABI's names without "proxy_on_": true, Continue, nil for those that
// it has not.
type fake struct {
	host  abi.Host
	on    map[string]handler
	mu    sync.Mutex
	calls []string
}

var _ abi.Plugin = (*fake)(nil)

func (p *fake) do(name string, otherwise uint32, c call) (uint32, error) {
	p.mu.Lock()
	p.calls = append(p.calls, fmt.Sprintf("%s %d", name, c.id))
	p.mu.Unlock()
	h := p.on[name]
	if h == nil {
		return otherwise, nil
	}
	c.Host = p.host
	return h(c)
}

// took returns the callbacks since the last took, as "name id".
func (p *fake) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.calls, ", ")
	p.calls = nil
	return s
}

func (p *fake) action(name string, c call) (abi.Action, error) {
	a, err := p.do(name, 0, c)
	return abi.Action(a), err
}

func (p *fake) truth(name string, c call) (bool, error) {
	a, err := p.do(name, 1, c)
	return a != 0, err
}

func (p *fake) event(name string, c call) error {
	_, err := p.do(name, 0, c)
	return err
}

func (p *fake) OnContextCreate(id, parent uint32) error {
	return p.event("context_create", call{id: id, n: parent})
}
func (p *fake) OnVMStart(id, n uint32) (bool, error) { return p.truth("vm_start", call{id: id, n: n}) }
func (p *fake) OnConfigure(id, n uint32) (bool, error) {
	return p.truth("configure", call{id: id, n: n})
}
func (p *fake) OnTick(id uint32) error          { return p.event("tick", call{id: id}) }
func (p *fake) OnQueueReady(id, n uint32) error { return p.event("queue_ready", call{id: id, n: n}) }
func (p *fake) OnNewConnection(id uint32) (abi.Action, error) {
	return p.action("new_connection", call{id: id})
}
func (p *fake) OnDownstreamData(id, n uint32, end bool) (abi.Action, error) {
	return p.action("downstream_data", call{id: id, n: n, end: end})
}
func (p *fake) OnUpstreamData(id, n uint32, end bool) (abi.Action, error) {
	return p.action("upstream_data", call{id: id, n: n, end: end})
}
func (p *fake) OnDownstreamConnectionClose(id uint32, _ abi.PeerType) error {
	return p.event("downstream_connection_close", call{id: id})
}
func (p *fake) OnUpstreamConnectionClose(id uint32, _ abi.PeerType) error {
	return p.event("upstream_connection_close", call{id: id})
}
func (p *fake) OnRequestHeaders(id, n uint32, end bool) (abi.Action, error) {
	return p.action("request_headers", call{id: id, n: n, end: end})
}
func (p *fake) OnRequestBody(id, n uint32, end bool) (abi.Action, error) {
	return p.action("request_body", call{id: id, n: n, end: end})
}
func (p *fake) OnRequestTrailers(id, n uint32) (abi.Action, error) {
	return p.action("request_trailers", call{id: id, n: n})
}
func (p *fake) OnResponseHeaders(id, n uint32, end bool) (abi.Action, error) {
	return p.action("response_headers", call{id: id, n: n, end: end})
}
func (p *fake) OnResponseBody(id, n uint32, end bool) (abi.Action, error) {
	return p.action("response_body", call{id: id, n: n, end: end})
}
func (p *fake) OnResponseTrailers(id, n uint32) (abi.Action, error) {
	return p.action("response_trailers", call{id: id, n: n})
}
func (p *fake) OnHTTPCallResponse(id, n, headers, size, trailers uint32) error {
	return p.event("http_call_response", call{id: id, n: n, args: []uint32{headers, size, trailers}})
}
func (p *fake) OnRedisCallResponse(id, n, status, size uint32) error {
	return p.event("redis_call_response", call{id: id, n: n, args: []uint32{status, size}})
}
func (p *fake) OnGRPCReceiveInitialMetadata(id, n, arg uint32) error {
	return p.event("grpc_receive_initial_metadata", call{id: id, n: n, args: []uint32{arg}})
}
func (p *fake) OnGRPCReceive(id, n, arg uint32) error {
	return p.event("grpc_receive", call{id: id, n: n, args: []uint32{arg}})
}
func (p *fake) OnGRPCReceiveTrailingMetadata(id, n, arg uint32) error {
	return p.event("grpc_receive_trailing_metadata", call{id: id, n: n, args: []uint32{arg}})
}
func (p *fake) OnGRPCClose(id, n, arg uint32) error {
	return p.event("grpc_close", call{id: id, n: n, args: []uint32{arg}})
}
func (p *fake) OnForeignFunction(id, n, _ uint32) error {
	return p.event("foreign_function", call{id: id, n: n})
}
func (p *fake) OnDone(id uint32) (bool, error) { return p.truth("done", call{id: id}) }
func (p *fake) OnLog(id uint32) error          { return p.event("log", call{id: id}) }
func (p *fake) OnDelete(id uint32) error       { return p.event("delete", call{id: id}) }

// stream is a gateway's stream as simple as it can be: one filter, whose answers are not acted upon.
type stream struct {
	sync.Mutex
	turn    sync.Mutex // is held by who has the stream's turn
	queueMu sync.Mutex
	queue   []func()
	over    bool

	request, requestTrailers   *message.Headers
	response, responseTrailers *message.Headers
	decoding, encoding         *message.Buffer
	properties                 map[string]string
	state                      map[string]string
	limit                      uint32
	overflow                   bool // AddDecodedData and AddEncodedData answer false
	lastPiece                  bool // trailers may be made

	eventMu sync.Mutex
	events  []string
}

var _ Callbacks = (*stream)(nil)

func newStream() *stream {
	return &stream{
		request:    message.NewHeaders(":method", "GET", ":path", "/p", "x-a", "1", "X-A", "2"),
		response:   message.NewHeaders(":status", "200", "server", "s"),
		properties: map[string]string{}, state: map[string]string{},
	}
}

// onTurn runs f on the stream's turn, and what was posted meanwhile.
func (s *stream) onTurn(f func()) {
	s.turn.Lock()
	f()
	s.turn.Unlock()
	s.runPosted()
}

func (s *stream) runPosted() {
	for {
		s.queueMu.Lock()
		empty := len(s.queue) == 0
		s.queueMu.Unlock()
		if empty || !s.turn.TryLock() {
			return
		}
		s.queueMu.Lock()
		var f func()
		if len(s.queue) > 0 {
			f, s.queue = s.queue[0], s.queue[1:]
		}
		s.queueMu.Unlock()
		if f != nil && !s.over {
			f()
		}
		s.turn.Unlock()
	}
}

func (s *stream) Post(f func()) {
	s.queueMu.Lock()
	s.queue = append(s.queue, f)
	s.queueMu.Unlock()
	s.runPosted()
}

func (s *stream) event(format string, args ...any) {
	s.eventMu.Lock()
	s.events = append(s.events, fmt.Sprintf(format, args...))
	s.eventMu.Unlock()
}

// happened returns what was done to the stream since the last happened.
func (s *stream) happened() string {
	s.eventMu.Lock()
	defer s.eventMu.Unlock()
	e := strings.Join(s.events, "; ")
	s.events = nil
	return e
}

func (s *stream) RequestHeaders() *message.Headers   { return s.request }
func (s *stream) RequestTrailers() *message.Headers  { return s.requestTrailers }
func (s *stream) ResponseHeaders() *message.Headers  { return s.response }
func (s *stream) ResponseTrailers() *message.Headers { return s.responseTrailers }
func (s *stream) AddRequestTrailers() *message.Headers {
	if !s.lastPiece {
		return nil
	}
	s.requestTrailers = &message.Headers{}
	return s.requestTrailers
}
func (s *stream) AddResponseTrailers() *message.Headers {
	if !s.lastPiece {
		return nil
	}
	s.responseTrailers = &message.Headers{}
	return s.responseTrailers
}
func (s *stream) DecodingBuffer() *message.Buffer { return s.decoding }
func (s *stream) EncodingBuffer() *message.Buffer { return s.encoding }
func (s *stream) AppendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	v, ok := s.properties[string(path)]
	return append(dst, v...), ok
}
func (s *stream) SetFilterState(name string, value []byte) { s.state[name] = string(value) }
func (s *stream) UpstreamHosts() []UpstreamHost {
	return []UpstreamHost{{Address: "1.2.3.4:80"}, {Address: "[::1]:80", Metrics: "m 1"}}
}
func (s *stream) SetUpstreamOverrideHost(a string) { s.event("override %s", a) }
func (s *stream) SetBufferLimit(n uint32)          { s.limit = n }
func (s *stream) ClearRouteCache()                 { s.event("clear route cache") }

func (s *stream) add(to **message.Buffer, data *message.Buffer) bool {
	s.Lock()
	defer s.Unlock()
	if *to == nil {
		*to = &message.Buffer{}
	}
	(*to).Move(data)
	return !s.overflow
}
func (s *stream) AddDecodedData(data *message.Buffer, _ bool) bool { return s.add(&s.decoding, data) }
func (s *stream) AddEncodedData(data *message.Buffer, _ bool) bool { return s.add(&s.encoding, data) }
func (s *stream) ContinueDecoding()                                { s.event("continue request") }
func (s *stream) ContinueEncoding()                                { s.event("continue response") }
func (s *stream) ReleaseDecoding()                                 { s.event("release request") }
func (s *stream) ReleaseEncoding()                                 { s.event("release response") }
func (s *stream) SendLocalReply(r LocalReply) {
	e := fmt.Sprintf("reply %d %q %q grpc %d", r.Code, r.Details, r.Body, r.GRPCStatus)
	if r.Headers != nil {
		for k, v := range r.Headers.All() {
			e += fmt.Sprintf(" %s=%s", k, v)
		}
	}
	s.event("%s", e)
}
func (s *stream) ResetStream(details string) { s.event("reset %s", details) }
func (s *stream) InjectEncodedData(data *message.Buffer, end bool) {
	s.event("inject %q %v", data.Bytes(), end)
}

// failReply is what a stream gets whose plugin is dead.
const failReply = `reply 503 "wasm_fail_stream" "" grpc 14`

// setup has what most tests need: a plugin of a host, and the fake behind it.
type setup struct {
	host   *Host
	plugin *Plugin
	fake   *fake
	log    *syncBuffer
}

// syncBuffer is a log's destination.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func logger(b *syncBuffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: levelTrace, ReplaceAttr: dropTime}))
}

func dropTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// start starts a plugin that answers by handlers. edit may change its configuration.
func start(t testing.TB, on map[string]handler, edit ...func(*Config)) *setup {
	t.Helper()
	s, err := tryStart(on, edit...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeHost(t, s.host) })
	if s.fake != nil { // edit may have put another plugin in its place
		s.fake.took()
	}
	return s
}

func tryStart(on map[string]handler, edit ...func(*Config)) (*setup, error) {
	s := &setup{log: &syncBuffer{}}
	s.host = New(Options{Workers: 2, Logger: logger(s.log), Node: Node{ID: "n1", Cluster: "c1"}})
	cfg := Config{Name: "test", RootID: "root", VMID: "vm", Configuration: []byte("conf"), VMConfiguration: []byte("vmconf"),
		LogLevel: abi.LogInfo}
	cfg.Native = func(h abi.Host) abi.Plugin {
		s.fake = &fake{host: h, on: on}
		return s.fake
	}
	for _, e := range edit {
		e(&cfg)
	}
	var err error
	s.plugin, err = s.host.NewPlugin(context.Background(), cfg)
	return s, err
}

func closeHost(t testing.TB, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}

// filter makes a filter for s.
func (s *setup) filter(cb *stream) *Filter { return s.plugin.NewFilter(s.host.PickWorker(), cb) }

func buffer(s string) *message.Buffer {
	b := message.Own([]byte(s))
	return &b
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
