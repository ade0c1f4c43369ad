package wrapper_test

import (
	"strings"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/wrapper"
)

// panicking is a plugin that panics where place says.
func panicking(place string) []wrapper.CtxOption[config] {
	headers := func(wrapper.HttpContext, config) types.Action { panic("ouch") }
	body := func(wrapper.HttpContext, config, []byte) types.Action { panic("ouch") }
	chunk := func(_ wrapper.HttpContext, _ config, b []byte, _ bool) []byte { b[0] = 'P'; panic("ouch") }
	return map[string][]wrapper.CtxOption[config]{
		"request headers":         {wrapper.ProcessRequestHeaders(headers)},
		"request body":            {wrapper.ProcessRequestBody(body)},
		"streaming request body":  {wrapper.ProcessStreamingRequestBody(chunk)},
		"response headers":        {wrapper.ProcessResponseHeaders(headers)},
		"response body":           {wrapper.ProcessResponseBody(body)},
		"streaming response body": {wrapper.ProcessStreamingResponseBody(chunk)},
		"the stream's end":        {wrapper.ProcessStreamDone(func(wrapper.HttpContext, config) { panic("ouch") })},
	}[place]
}

var places = []string{
	"request headers", "request body", "streaming request body", "response headers", "response body",
	"streaming response body", "the stream's end",
}

func environment(t *testing.T, failMode, noRecovery string) {
	t.Helper()
	t.Setenv("SLUICE_FAIL", failMode)
	t.Setenv("WASM_DISABLE_PANIC_RECOVERY", noRecovery)
}

// A panic is logged, and the message goes on as it came: the published form.
func TestPanicPasses(t *testing.T) {
	for _, place := range places {
		for _, mode := range []string{"", "open"} {
			t.Run(place+"/"+mode, func(t *testing.T) {
				environment(t, mode, "")
				later := 0
				h := start(t, `{}`, append(panicking(place),
					wrapper.ParseConfig(parse), wrapper.ProcessStreamDone(func(wrapper.HttpContext, config) {
						if later++; place == "the stream's end" {
							panic("ouch")
						}
					}))...)
				id, actions := h.exchange()
				for i, a := range actions {
					if a != types.ActionContinue {
						t.Errorf("callback %d answered %v", i, a)
					}
				}
				if r := h.GetSentLocalResponse(id); r != nil {
					t.Errorf("the client was answered %d", r.StatusCode)
				}
				if got := string(h.GetCurrentRequestBody(id)); !strings.EqualFold(got, "ping") {
					t.Errorf("the request's body is %q", got)
				}
				h.CompleteHttpContext(id)
				if later != 1 {
					t.Errorf("the function for the stream's end was called %d times", later)
				}
				wantLine(t, h.GetErrorLogs(), "recovered from panic ouch")
			})
		}
	}
}

// Where the operator says closed, the client is answered 500.
func TestPanicClosed(t *testing.T) {
	environment(t, "closed", "")
	for _, place := range places[:6] {
		t.Run(place, func(t *testing.T) {
			h := start(t, `{}`, panicking(place)...)
			id, _ := h.exchange()
			if r := h.GetSentLocalResponse(id); r == nil || r.StatusCode != 500 {
				t.Errorf("the client was answered %+v, want 500", r)
			}
			wantLine(t, h.GetCriticalLogs(), "panic: ouch")
		})
	}
}

// Without recovery the panic goes to the host, whatever else is said.
func TestPanicWithoutRecovery(t *testing.T) {
	for _, mode := range []string{"", "open", "closed"} {
		for _, place := range places[:6] {
			t.Run(place+"/"+mode, func(t *testing.T) {
				environment(t, mode, "true")
				h := start(t, `{}`, panicking(place)...)
				if mode == "" && len(h.GetWarnLogs()) != 0 {
					t.Errorf("warned of what does not happen: %q", h.GetWarnLogs())
				}
				defer func() {
					if v := recover(); v != "ouch" {
						t.Errorf("recovered %v", v)
					}
				}()
				h.exchange()
			})
		}
	}
}

// The unsafe form is said once in a VM, unless it is asked for.
func TestFailWarning(t *testing.T) {
	for mode, want := range map[string]int{"": 1, "open": 0, "closed": 0} {
		t.Run(mode, func(t *testing.T) {
			environment(t, mode, "")
			h := start(t, `{}`)
			h.StartPlugin() // a further configuration
			n := 0
			for _, line := range h.GetWarnLogs() {
				if strings.Contains(line, "SLUICE_FAIL") {
					n++
				}
			}
			if n != want {
				t.Errorf("%d warnings, want %d: %q", n, want, h.GetWarnLogs())
			}
		})
	}
}

func TestFailModeUnknown(t *testing.T) {
	environment(t, "close", "")
	h := load(t, `{}`)
	if h.started {
		t.Error("the plugin started")
	}
	wantLine(t, h.GetErrorLogs(), `SLUICE_FAIL is "close", it can be closed or open`)
}

func wantLine(t *testing.T, lines []string, want string) {
	t.Helper()
	for _, line := range lines {
		if strings.Contains(line, want) {
			return
		}
	}
	t.Errorf("no line has %q: %q", want, lines)
}
