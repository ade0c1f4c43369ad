package plugintest

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Callback is a callback of the plugin that has ended.
type Callback struct {
	// Name is its name in the ABI without the prefix: "on_request_headers", "on_tick".
	Name string
	// Worker is the number of the VM that it ran in.
	Worker int
	// Answers is that the callback is one of a stream's that answer an action; Action is what the plugin answered, and
	// Taken what the filter chain was given (they differ where the host corrects: after a local reply, say).
	Answers       bool
	Action, Taken types.Action
	// Err is why the VM died in it, nil if it did not.
	Err error
}

// String returns the name with the action that was taken.
func (c Callback) String() string {
	s := c.Name
	if c.Answers {
		s += " answered " + actionName(c.Name, c.Taken)
	}
	if c.Err != nil {
		s += " and died"
	}
	return s
}

// LocalReply is an answer that the plugin gave in place of an upstream.
type LocalReply struct {
	Status int
	// Details are what the plugin gave as the reason; access logs have them as %RESPONSE_CODE_DETAILS%.
	Details string
	// Headers are those that the plugin gave, in order.
	Headers [][2]string
	Body    string
	// GRPCStatus is the status for gRPC clients, -1 where it follows from Status.
	GRPCStatus int
	// Callback is the one that sent it: "on_request_headers", "on_http_call_response".
	Callback string
}

// maxWatched bounds what is remembered of callbacks and log lines, for plugins that live long (in fuzzing).
const maxWatched = 50_000

// watch is the kit's observer. What it is told it keeps by stream, and a stream is known by its client's address: the kit
// opens a connection for each request.
type watch struct {
	mu        sync.Mutex
	byAddress map[string]*trace
	byContext map[contextKey]*trace
	callbacks []Callback
	dropped   int
	mistakes  []string // those that are no stream's
	changed   chan struct{}
}

type contextKey struct {
	worker int
	stream uint32
}

// trace is what the plugin did to one stream. The watch's mutex guards it.
type trace struct {
	worker            int
	callbacks         []Callback
	properties        map[string]string
	reply             *LocalReply
	request, response held
	mistakes          []string
	// taken: whoever sent the request has had its report. What comes later is nobody's but the plugin's.
	taken bool
}

func newWatch() *watch {
	return &watch{byAddress: map[string]*trace{}, byContext: map[contextKey]*trace{}, changed: make(chan struct{})}
}

// expect is called before a request is sent from an address.
func (w *watch) expect(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byAddress[address] = &trace{worker: -1}
}

// take ends what expect began, and returns the trace as it is.
func (w *watch) take(address string) *trace {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.byAddress[address]
	delete(w.byAddress, address)
	if t == nil {
		return &trace{worker: -1}
	}
	t.taken = true
	now := *t
	now.callbacks, now.mistakes, now.properties = slices.Clone(t.callbacks), slices.Clone(t.mistakes), maps.Clone(t.properties)
	return &now
}

// explain says what the plugin did to the request from an address, for the message of a step that waited in vain.
func (w *watch) explain(address string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.byAddress[address]; t != nil {
		return t.explain()
	}
	return ""
}

// StreamBegun implements [pluginhost.Observer].
func (w *watch) StreamBegun(c pluginhost.Context, cb pluginhost.Callbacks) {
	address, _ := cb.AppendProperty(nil, []byte("source\x00address"))
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.byAddress[string(address)]
	if t == nil {
		return
	}
	t.worker = c.Worker
	w.byContext[contextKey{c.Worker, c.Stream}] = t
}

// CallbackEnded implements [pluginhost.Observer].
func (w *watch) CallbackEnded(e *pluginhost.CallbackEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := Callback{
		Name: strings.TrimPrefix(e.Name, "proxy_"), Worker: e.Worker, Answers: e.Answers,
		Action: types.Action(e.Returned), Taken: types.Action(e.Taken), Err: e.Err,
	}
	if len(w.callbacks) >= maxWatched {
		w.dropped += maxWatched / 2
		w.callbacks = slices.Clone(w.callbacks[maxWatched/2:])
	}
	w.callbacks = append(w.callbacks, c)
	for i := range e.Calls {
		w.called(c.Name, &e.Calls[i])
	}
	if t := w.stream(e.Context); t != nil {
		t.ended(c)
		if e.Name == "proxy_on_delete" || e.Err != nil {
			delete(w.byContext, contextKey{e.Worker, e.Stream})
		}
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watch) stream(c pluginhost.Context) *trace {
	if c.Stream == 0 {
		return nil
	}
	return w.byContext[contextKey{c.Worker, c.Stream}]
}

// called notes a host call that was made in a callback.
func (w *watch) called(callback string, c *pluginhost.HostCall) {
	t := w.stream(c.Context)
	if c.Misuse != pluginhost.NoMisuse {
		m := explainMisuse(t, callback, c)
		if t == nil || t.taken {
			w.mistakes = append(w.mistakes, m)
		} else {
			t.mistakes = append(t.mistakes, m)
		}
		return
	}
	if t == nil {
		return
	}
	switch c.Name {
	case "proxy_set_property":
		if t.properties == nil {
			t.properties = map[string]string{}
		}
		t.properties[strings.TrimSuffix(c.About, "\x00")] = string(c.Value)
	case "proxy_send_local_response":
		t.reply = localReply(callback, c.Reply)
	case "proxy_continue_stream":
		if c.About == "response" {
			t.response = held{}
		} else {
			t.request = held{}
		}
	}
}

func localReply(callback string, r *pluginhost.LocalReply) *LocalReply {
	got := &LocalReply{
		Status: int(r.Code), Details: r.Details, Body: string(r.Body), GRPCStatus: int(r.GRPCStatus), Callback: callback,
	}
	if r.Headers != nil {
		for name, value := range r.Headers.All() {
			got.Headers = append(got.Headers, [2]string{name, value})
		}
	}
	return got
}

// takeMistakes returns the mistakes that are no stream's, once.
func (w *watch) takeMistakes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.mistakes
	w.mistakes = nil
	return m
}

func (w *watch) all() []Callback {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.callbacks)
}
