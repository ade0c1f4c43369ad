//go:build !wasip1

package wrapper_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

const askedForVM = `SetProperty wasm_need_rebuild "true"`

// requests makes so many requests, one after another. The first is the stream that the harness began.
func (h *harness) requests(n int) {
	h.t.Helper()
	for range n {
		h.request().sendHeaders(true, 0)
		h.end(streamID)
		h.begin(streamID)
	}
}

func setMemory(h *hosttest.Host, size uint64) {
	h.Properties["plugin_vm_memory"] = string(binary.LittleEndian.AppendUint64(nil, size))
}

func TestRebuildAfterRequests(t *testing.T) {
	for _, tc := range []struct {
		name     string
		option   wrapper.Option
		refuse   abi.Status
		requests int
		asked    int
		logs     int
	}{
		{"not yet", wrapper.WithRebuildAfterRequests(10), 0, 9, 0, 0},
		{"asked", wrapper.WithRebuildAfterRequests(10), 0, 10, 1, 0},
		{"asked again when nothing comes of it", wrapper.WithRebuildAfterRequests(10), 0, 39, 3, 0},
		{"each request", wrapper.WithRebuildAfterRequests(1), 0, 5, 5, 0},
		{"never", wrapper.WithRebuildAfterRequests(0), 0, 100, 0, 0},
		{"a host that refuses", wrapper.WithRebuildAfterRequests(10), abi.StatusUnimplemented, 100, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t, ``, tc.option)
			h.Refuse["SetProperty"] = tc.refuse
			h.requests(tc.requests)
			if n := h.Count(askedForVM); n != tc.asked || len(h.Logs) != tc.logs {
				t.Errorf("asked %d times, want %d, log %q", n, tc.asked, h.Logs)
			}
		})
	}
}

func TestRebuildMaxMemBytes(t *testing.T) {
	const limit = 100 << 20
	for _, tc := range []struct {
		name     string
		limit    uint64
		size     uint64 // 0: the host does not say
		requests int
		asked    int
		looked   int
		logs     int
	}{
		{"below", limit, limit - 1, 10, 0, 10, 0},
		{"at the limit", limit, limit, 10, 1, 10, 0},
		{"above, for long", limit, limit + 1, 2003, 3, 2003, 0},
		{"never", 0, limit, 10, 0, 0, 0},
		{"a host that does not say", limit, 0, 10, 0, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t, ``, wrapper.WithRebuildMaxMemBytes(tc.limit))
			if tc.size != 0 {
				setMemory(h.Host, tc.size)
			}
			h.requests(tc.requests)
			asked, looked := h.Count(askedForVM), h.Count("GetProperty plugin_vm_memory")
			if asked != tc.asked || looked != tc.looked || len(h.Logs) != tc.logs {
				t.Errorf("asked %d times, looked %d times, log %q", asked, looked, h.Logs)
			}
		})
	}
}

// TestRebuildAnew holds that a VM starts with none of what was so in the one before.
func TestRebuildAnew(t *testing.T) {
	h := start(t, ``, wrapper.WithRebuildAfterRequests(3), wrapper.WithRebuildMaxMemBytes(100))
	h.Refuse["SetProperty"] = abi.StatusUnimplemented
	h.requests(3)
	h.requests(2)
	h.Close()
	h = reload(t, h)
	setMemory(h.Host, 100)
	h.requests(2)
	if h.Count(askedForVM) != 1 {
		t.Fatalf("calls %q", h.Calls)
	}
	h.requests(1)
	if h.Count(askedForVM) != 2 || len(h.Logs) != 0 {
		t.Fatalf("calls %q, log %q", h.Calls, h.Logs)
	}
}

func TestMaxRequestsPerIoCycle(t *testing.T) {
	for _, tc := range []struct {
		name   string
		max    uint64
		known  bool
		called int // of three starts
		logs   int
	}{
		{"a host that can", 20, true, 3, 0},
		{"a host that cannot", 20, false, 1, 1},
		{"no wish", 0, false, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := load(t, ``, wrapper.WithMaxRequestsPerIoCycle(tc.max))
			if tc.known {
				h.Foreign[abi.FunctionSetMaxRequestsPerIOCycle] = func([]byte) ([]byte, abi.Status) { return nil, abi.StatusOK }
			}
			for range 3 {
				h.configure()
			}
			if n := h.Count(`CallForeignFunction "set_global_max_requests_per_io_cycle" "\x14\x00`); n != tc.called || len(h.Logs) != tc.logs {
				t.Errorf("called %d times, log %q", n, h.Logs)
			}
		})
	}
}

// TestRebuildByTrap holds that a VM ends itself where it is told to, and when nobody needs it.
func TestRebuildByTrap(t *testing.T) {
	const second = 7
	for _, tc := range []struct {
		name, env string
		trap      bool
	}{
		{"set", "true", true},
		{"not true", "1", false},
		{"not set", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv(wrapper.RebuildByTrap, tc.env)
			h := load(t, ``, wrapper.WithRebuildAfterRequests(2))
			h.Now = clockStart
			if !h.configure() {
				t.Fatal("refused")
			}
			h.begin(streamID)
			h.requests(2)
			if asked := h.Count(askedForVM) == 1; asked == tc.trap {
				t.Fatalf("asked the host: %v", asked)
			}
			h.end(streamID) // none is left, but the VM is young
			h.pass(time.Minute)
			h.begin(streamID)
			h.begin(second)
			h.request().sendHeaders(true, 0)
			h.end(streamID) // there is another
			if err := h.OnLog(second); err != nil {
				t.Fatal(err)
			}
			err := h.OnDelete(second)
			var trap *proxywasm.PanicError
			if trapped := errors.As(err, &trap); trapped != tc.trap {
				t.Fatalf("trapped: %v, %v", trapped, err)
			}
			if tc.trap && (len(h.Logs) != 1 || !strings.Contains(h.Logs[0], "after 2 requests")) {
				t.Fatalf("log %q", h.Logs)
			}
		})
	}
}

// TestWithoutALogger holds that nothing needs a logger to be given.
func TestWithoutALogger(t *testing.T) {
	h := load(t, ``)
	h.Close()
	wrapper.SetCtxWithOptions("test", wrapper.ParseConfig(parseConfig), wrapper.WithRebuildAfterRequests(1),
		wrapper.WithMaxRequestsPerIoCycle(1))
	h = reload(t, h)
	h.Refuse["SetProperty"] = abi.StatusUnimplemented
	h.requests(1)
	if len(h.Logs) != 2 || !strings.Contains(h.Logs[0], "IO cycle") || !strings.Contains(h.Logs[1], "rebuild") {
		t.Fatalf("log %q", h.Logs)
	}
}
