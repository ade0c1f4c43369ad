//go:build !wasip1

package wrapper_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// keptLog is a logger of a plugin's own: it keeps its lines.
type keptLog struct {
	log.Log // what is not overridden, the default
	id      string
	lines   []string
}

func (l *keptLog) ResetID(id string)           { l.id = id }
func (l *keptLog) Info(msg string)             { l.lines = append(l.lines, l.id+" info "+msg) }
func (l *keptLog) Debug(msg string)            { l.lines = append(l.lines, l.id+" debug "+msg) }
func (l *keptLog) Error(msg string)            { l.lines = append(l.lines, l.id+" error "+msg) }
func (l *keptLog) Warn(msg string)             { l.lines = append(l.lines, l.id+" warn "+msg) }
func (l *keptLog) Infof(f string, args ...any) { l.Info(fmt.Sprintf(f, args...)) }

// logsSecret logs in a request's headers.
var logsSecret = wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
	log.UnsafeInfo("secret")
	log.Infof("%s", "x")
	return types.HeaderContinue
})

func TestWithLogger(t *testing.T) {
	own := &keptLog{Log: log.New("")}
	h := start(t, `{"_plugin_id_":"a"}`, wrapper.WithLogger(own), logsSecret)
	h.Buffers[abi.BufferPluginConfiguration] = []byte(`{"_plugin_id_":"b","_x_":1}`)
	const second = 7
	if err := h.OnContextCreate(second, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := h.OnConfigure(second, 0); err != nil || !ok {
		t.Fatal(ok, err)
	}
	h.request().sendHeaders(true, 0)
	want := []string{"b warn configuration: _x_: is not a key that is known", "a info secret", "a info x"}
	if !slices.Equal(own.lines, want) || len(h.Logs) != 0 {
		t.Fatalf("lines %q, want %q; the host's log %q", own.lines, want, h.Logs)
	}
}

// TestWithoutLogger holds that the log is the host's where nobody says otherwise.
func TestWithoutLogger(t *testing.T) {
	for name, register := range map[string]func(){
		"SetCtxWithOptions":    func() { wrapper.SetCtxWithOptions("test", wrapper.ParseConfig(parseConfig), logsSecret) },
		"a logger that is nil": func() { wrapper.SetCtx("test", wrapper.ParseConfig(parseConfig), logsSecret, wrapper.WithLogger(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			h := load(t, ``)
			h.Close()
			register()
			h = reload(t, h)
			h.request().sendHeaders(true, 0)
			if want := []string{"info: [test] secret", "info: [test] x"}; !slices.Equal(h.Logs, want) {
				t.Fatalf("log %q, want %q", h.Logs, want)
			}
		})
	}
}

// TestSafeLogIsThePluginsOwn holds that a plugin's safe mode is gone with it.
func TestSafeLogIsThePluginsOwn(t *testing.T) {
	h := start(t, ``, wrapper.EnableSafeLog(), logsSecret)
	h.Level = abi.LogDebug
	h.request().sendHeaders(true, 0)
	h.Close()
	want := []string{"debug: [test] secret", "info: [test] x"}
	if !slices.Equal(h.Logs, want) {
		t.Fatalf("log %q, want %q", h.Logs, want)
	}
	h = start(t, ``, logsSecret)
	h.request().sendHeaders(true, 0)
	if want := []string{"info: [test] secret", "info: [test] x"}; !slices.Equal(h.Logs, want) {
		t.Fatalf("the next plugin: log %q, want %q", h.Logs, want)
	}
}

// TestPluginID holds that two configurations of a plugin in a VM keep their names.
func TestPluginID(t *testing.T) {
	h := start(t, `{"_plugin_id_":"a%s"}`, logsSecret)
	h.Buffers[abi.BufferPluginConfiguration] = []byte(`{}`)
	const second, streamOfSecond = 7, 8
	if err := h.OnContextCreate(second, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := h.OnConfigure(second, 0); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := h.OnContextCreate(streamOfSecond, second); err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint32{streamOfSecond, streamID} {
		if _, err := h.OnRequestHeaders(id, 1, true); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"info: [test] secret", "info: [test] x", "info: [test] [a%s] secret", "info: [test] [a%s] x"}
	if !slices.Equal(h.Logs, want) {
		t.Fatalf("log %q, want %q", h.Logs, want)
	}
}
