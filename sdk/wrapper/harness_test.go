//go:build !wasip1

package wrapper_test

import (
	"io"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// config is the configuration of the tests' plugins.
type config struct{ value string }

func parseConfig(json gjson.Result, c *config) error {
	c.value = json.Get("value").String()
	return nil
}

// harness is a started plugin and its host.
type harness struct {
	*hosttest.Host
	abi.Plugin
	t *testing.T
}

const rootID, streamID = 1, 2

// start registers and starts a plugin with configuration conf, which parseConfig parses.
func start(t *testing.T, conf string, options ...wrapper.Option) *harness {
	t.Helper()
	return startParsing(t, conf, wrapper.ParseConfig(parseConfig), options...)
}

// startParsing is start with another parser.
func startParsing(t *testing.T, conf string, parser wrapper.Option, options ...wrapper.Option) *harness {
	t.Helper()
	h := loadParsing(t, conf, parser, options...)
	if ok := h.configure(); !ok {
		t.Fatalf("the plugin refused its configuration: %q", h.Logs)
	}
	h.begin(streamID)
	return h
}

// load registers a plugin, short of its configuration, which parseConfig parses.
func load(t *testing.T, conf string, options ...wrapper.Option) *harness {
	t.Helper()
	return loadParsing(t, conf, wrapper.ParseConfig(parseConfig), options...)
}

// loadParsing is load with another parser.
func loadParsing(t *testing.T, conf string, parser wrapper.Option, options ...wrapper.Option) *harness {
	t.Helper()
	wrapper.SetCtx("test", append([]wrapper.Option{parser}, options...)...)
	h := &harness{Host: hosttest.New(), t: t}
	h.Buffers[abi.BufferPluginConfiguration] = []byte(conf)
	h.Plugin = proxywasm.NewPlugin(h.Host)
	t.Cleanup(func() { h.Plugin.(io.Closer).Close() })
	if err := h.OnContextCreate(rootID, 0); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *harness) configure() bool {
	h.t.Helper()
	ok, err := h.OnConfigure(rootID, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	return ok
}

func (h *harness) begin(id uint32) {
	h.t.Helper()
	if err := h.OnContextCreate(id, rootID); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) end(id uint32) {
	h.t.Helper()
	if err := h.OnLog(id); err != nil {
		h.t.Fatal(err)
	}
	if err := h.OnDelete(id); err != nil {
		h.t.Fatal(err)
	}
}

// want checks a callback's answer.
func (h *harness) want(what string, want abi.Action) func(abi.Action, error) {
	return func(got abi.Action, err error) {
		h.t.Helper()
		if err != nil || got != want {
			h.t.Fatalf("%s: action %d, %v, want %d", what, got, err, want)
		}
	}
}

// message drives a request or a response.
type message struct {
	h       *harness
	buffer  abi.BufferType
	headers func(id, n uint32, eos bool) (abi.Action, error)
	body    func(id, n uint32, eos bool) (abi.Action, error)
	tail    func(id, n uint32) (abi.Action, error)
}

func (h *harness) request() *message {
	return &message{h, abi.BufferHTTPRequestBody, h.OnRequestHeaders, h.OnRequestBody, h.OnRequestTrailers}
}

func (h *harness) response() *message {
	return &message{h, abi.BufferHTTPResponseBody, h.OnResponseHeaders, h.OnResponseBody, h.OnResponseTrailers}
}

// sendHeaders, sendBody and sendTrailers make the callbacks and check the answers.
func (m *message) sendHeaders(eos bool, want abi.Action) {
	m.h.t.Helper()
	m.h.want("headers", want)(m.headers(streamID, 1, eos))
}

func (m *message) sendBody(body string, eos bool, want abi.Action) {
	m.h.t.Helper()
	m.h.Buffers[m.buffer] = []byte(body)
	m.h.want("body", want)(m.body(streamID, uint32(len(body)), eos))
}

func (m *message) sendTrailers(want abi.Action) {
	m.h.t.Helper()
	m.h.want("trailers", want)(m.tail(streamID, 1))
}

func (m *message) buffered() string { return string(m.h.Buffers[m.buffer]) }

// Close ends the plugin.
func (h *harness) Close() { h.Plugin.(io.Closer).Close() }

// reload starts what is registered now, on a host with the same configuration.
func reload(t *testing.T, old *harness) *harness {
	t.Helper()
	h := &harness{Host: hosttest.New(), t: t}
	h.Buffers[abi.BufferPluginConfiguration] = old.Buffers[abi.BufferPluginConfiguration]
	h.Plugin = proxywasm.NewPlugin(h.Host)
	t.Cleanup(h.Close)
	if err := h.OnContextCreate(rootID, 0); err != nil {
		t.Fatal(err)
	}
	if !h.configure() {
		t.Fatalf("the plugin refused its configuration: %q", h.Logs)
	}
	h.begin(streamID)
	return h
}
