package wasmvm

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Where the tests below put things in the guest's memory: texts at 512, results behind pointers at 256.
const (
	outA = 256
	outB = 264
	outC = 272
)

// text puts b where it is to be found and answers the two slots.
type layout struct {
	tr *trampoline
	at uint32
}

func (l *layout) text(b string) (ptr, size uint64) {
	l.tr.put(l.at, b)
	ptr, size = uint64(l.at), uint64(len(b))
	l.at += uint32(len(b)) + 1
	return
}

// TestHostCalls makes every call and looks at what the host is asked, and what comes back.
func TestHostCalls(t *testing.T) {
	host := &recordingHost{result: "result", number: 77}
	tr := newTrampoline(t, host, VMConfig{})
	pairs := string(abi.AppendPairs(nil, [][2]string{{"k", "v"}, {"k2", ""}}))
	garbage := uint64(0xabcdef) << 32 // upper halves that a call must not look at

	type arg any // string: two slots, pointer and length; int: one slot
	tests := []struct {
		call string
		args []arg
		want string
		bytes,
		n32, n64 uint64 // out pointers whose contents are to be checked; bytes: also the next slot
	}{
		{"proxy_log", []arg{3, "text"}, `Log warn "text"`, 0, 0, 0},
		{"proxy_get_log_level", []arg{outA}, `GetLogLevel`, 0, outA, 0},
		{"proxy_get_current_time_nanoseconds", []arg{outA}, `CurrentTimeNanoseconds`, 0, 0, outA},
		{"proxy_set_tick_period_milliseconds", []arg{100}, `SetTickPeriod 100`, 0, 0, 0},
		{"proxy_set_effective_context", []arg{9}, `SetEffectiveContext 9`, 0, 0, 0},
		{"proxy_done", nil, `Done`, 0, 0, 0},
		{"proxy_call_foreign_function", []arg{"name", "arg", outA, outB}, `CallForeignFunction "name" "arg"`, outA, 0, 0},
		{"proxy_send_local_response", []arg{403, "details", "body", pairs, -1}, `SendLocalResponse 403 "details" "body" {k=v;k2=;} -1`, 0, 0, 0},
		{"proxy_continue_stream", []arg{1}, `ContinueStream http response`, 0, 0, 0},
		{"proxy_close_stream", []arg{0}, `CloseStream http request`, 0, 0, 0},
		{"proxy_continue_request", nil, `ContinueStream http request`, 0, 0, 0},
		{"proxy_continue_response", nil, `ContinueStream http response`, 0, 0, 0},
		{"proxy_clear_route_cache", nil, `CallForeignFunction "clear_route_cache" ""`, 0, 0, 0},
		{"proxy_get_header_map_pairs", []arg{2, outA, outB}, `GetHeaderMapPairs http response headers`, outA, 0, 0},
		{"proxy_set_header_map_pairs", []arg{0, pairs}, `SetHeaderMapPairs http request headers {k=v;k2=;}`, 0, 0, 0},
		{"proxy_set_header_map_pairs", []arg{0, ""}, `SetHeaderMapPairs http request headers {}`, 0, 0, 0},
		{"proxy_get_header_map_size", []arg{1, outA}, `GetHeaderMapSize http request trailers`, 0, outA, 0},
		{"proxy_get_header_map_value", []arg{0, "key", outA, outB}, `GetHeaderMapValue http request headers "key"`, outA, 0, 0},
		{"proxy_add_header_map_value", []arg{0, "key", "value"}, `AddHeaderMapValue http request headers "key" "value"`, 0, 0, 0},
		{"proxy_replace_header_map_value", []arg{0, "key", ""}, `ReplaceHeaderMapValue http request headers "key" ""`, 0, 0, 0},
		{"proxy_remove_header_map_value", []arg{0, "key"}, `RemoveHeaderMapValue http request headers "key"`, 0, 0, 0},
		{"proxy_get_buffer_bytes", []arg{1, 5, -1, outA, outB}, `GetBufferBytes http response body 5 4294967295`, outA, 0, 0},
		{"proxy_get_buffer_status", []arg{0, outA, outB}, `GetBufferStatus http request body`, 0, outA, 0},
		{"proxy_set_buffer_bytes", []arg{0, 1, 2, "data"}, `SetBufferBytes http request body 1 2 "data"`, 0, 0, 0},
		{"proxy_get_configuration", []arg{outA, outB}, `GetBufferBytes plugin configuration 0 4294967295`, outA, 0, 0},
		{"proxy_get_property", []arg{"a\x00b", outA, outB}, `GetProperty "a\x00b"`, outA, 0, 0},
		{"proxy_set_property", []arg{"a", "value"}, `SetProperty "a" "value"`, 0, 0, 0},
		{"proxy_get_shared_data", []arg{"key", outA, outB, outC}, `GetSharedData "key"`, outA, outC, 0},
		{"proxy_set_shared_data", []arg{"key", "value", 8}, `SetSharedData "key" "value" 8`, 0, 0, 0},
		{"proxy_register_shared_queue", []arg{"queue", outA}, `RegisterSharedQueue "queue"`, 0, outA, 0},
		{"proxy_resolve_shared_queue", []arg{"vm", "queue", outA}, `ResolveSharedQueue "vm" "queue"`, 0, outA, 0},
		{"proxy_dequeue_shared_queue", []arg{4, outA, outB}, `DequeueSharedQueue 4`, outA, 0, 0},
		{"proxy_enqueue_shared_queue", []arg{4, "value"}, `EnqueueSharedQueue 4 "value"`, 0, 0, 0},
		{"proxy_define_metric", []arg{1, "metric", outA}, `DefineMetric 1 "metric"`, 0, outA, 0},
		{"proxy_increment_metric", []arg{4, uint64(math.MaxUint64)}, `IncrementMetric 4 -1`, 0, 0, 0},
		{"proxy_record_metric", []arg{4, uint64(math.MaxUint64)}, `RecordMetric 4 18446744073709551615`, 0, 0, 0},
		{"proxy_get_metric", []arg{4, outA}, `GetMetric 4`, 0, 0, outA},
		{"proxy_http_call", []arg{"cluster", pairs, "body", "", 500, outA}, `HTTPCall "cluster" {k=v;k2=;} "body" {} 500`, 0, outA, 0},
		{"proxy_grpc_call", []arg{"service", "name", "method", pairs, "message", 500, outA},
			`GRPCCall "service" "name" "method" {k=v;k2=;} "message" 500`, 0, outA, 0},
		{"proxy_grpc_stream", []arg{"service", "name", "method", pairs, outA}, `GRPCStream "service" "name" "method" {k=v;k2=;}`, 0, outA, 0},
		{"proxy_grpc_send", []arg{3, "message", 1}, `GRPCSend 3 "message" true`, 0, 0, 0},
		{"proxy_grpc_cancel", []arg{3}, `GRPCCancel 3`, 0, 0, 0},
		{"proxy_grpc_close", []arg{3}, `GRPCClose 3`, 0, 0, 0},
		{"proxy_get_status", []arg{outC, outA, outB}, `GetStatus`, outA, outC, 0},
		{"proxy_redis_init", []arg{"cluster", "user", "password", 1000}, `RedisInit "cluster" "user" "password" 1000`, 0, 0, 0},
		{"proxy_redis_call", []arg{"cluster", "query", outA}, `RedisCall "cluster" "query"`, 0, outA, 0},
		{"proxy_inject_encoded_data_to_filter_chain", []arg{"data", 1}, `InjectEncodedData "data" true`, 0, 0, 0},
		{"proxy_get_upstream_hosts", []arg{outA, outB}, `GetUpstreamHosts`, outA, 0, 0},
		{"proxy_set_upstream_override_host", []arg{"1.2.3.4:80"}, `SetUpstreamOverrideHost "1.2.3.4:80"`, 0, 0, 0},
	}
	called := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.call, func(t *testing.T) {
			called[tt.call] = true
			host.calls = nil
			l := layout{tr, 512}
			tr.memory.Write(outA, make([]byte, 24))
			var args []uint64
			for _, a := range tt.args {
				switch a := a.(type) {
				case string:
					ptr, size := l.text(a)
					args = append(args, ptr|garbage, size|garbage)
				case int:
					args = append(args, uint64(uint32(a))|garbage)
				case uint64:
					args = append(args, a)
				}
			}
			if status := tr.must(t, tt.call, args...); status != abi.StatusOK {
				t.Errorf("status = %v", status)
			}
			if !slices.Equal(host.calls, []string{tt.want}) {
				t.Errorf("host calls = %q, want %q", host.calls, tt.want)
			}
			// Once more, past the guest: wazero leaves anything in the upper half of a slot that holds an i32.
			if status := hostCalls[tt.call].run(tr.VM, args); status != abi.StatusOK || len(host.calls) != 2 || host.calls[1] != tt.want {
				t.Errorf("with garbage: %v, %q", status, host.calls)
			}
			if tt.bytes != 0 {
				if got := tr.result(uint32(tt.bytes), uint32(tt.bytes)+8); got != "result" {
					t.Errorf("result = %q", got)
				}
			}
			if tt.n32 != 0 {
				if got := tr.u32(uint32(tt.n32)); got != 77 {
					t.Errorf("number = %d", got)
				}
			}
			if tt.n64 != 0 {
				b, _ := tr.memory.Read(uint32(tt.n64), 8)
				if got := binary.LittleEndian.Uint64(b); got != 77 {
					t.Errorf("number = %d", got)
				}
			}
		})
	}
	for name := range hostCalls {
		if !called[name] {
			t.Errorf("%s is not tested", name)
		}
	}

	t.Run("a status goes through, and nothing else", func(t *testing.T) {
		host.status = abi.StatusNotFound
		defer func() { host.status = abi.StatusOK }()
		tr.memory.Write(outA, make([]byte, 24))
		tr.put(512, "key")
		if status := tr.must(t, "proxy_get_shared_data", 512, 3, outA, outB, outC); status != abi.StatusNotFound {
			t.Errorf("status = %v", status)
		}
		if tr.u32(outA) != 0 || tr.u32(outB) != 0 || tr.u32(outC) != 0 {
			t.Error("something was written")
		}
	})
	t.Run("an empty result is a null pointer", func(t *testing.T) {
		host.result = ""
		tr.memory.WriteUint32Le(outA, 1)
		tr.memory.WriteUint32Le(outB, 1)
		if status := tr.must(t, "proxy_get_upstream_hosts", outA, outB); status != abi.StatusOK {
			t.Errorf("status = %v", status)
		}
		if tr.u32(outA) != 0 || tr.u32(outB) != 0 {
			t.Errorf("pointer %d, length %d", tr.u32(outA), tr.u32(outB))
		}
	})
	t.Run("a foreign function whose result nobody wants", func(t *testing.T) {
		host.result = "result"
		if status := tr.must(t, "proxy_call_foreign_function", 512, 3, 512, 3, 0, 0); status != abi.StatusOK {
			t.Errorf("status = %v", status)
		}
	})
	t.Run("log levels end at critical", func(t *testing.T) {
		if status := tr.must(t, "proxy_log", 6, 512, 3); status != abi.StatusBadArgument {
			t.Errorf("status = %v", status)
		}
	})
	t.Run("a negative timeout", func(t *testing.T) {
		status := tr.must(t, "proxy_http_call", 512, 3, 0, 0, 512, 3, 0, 0, math.MaxUint32, outA)
		if status != abi.StatusBadArgument {
			t.Errorf("status = %v", status)
		}
	})
}

// slots says what each parameter of a host call is: p a pointer to bytes, n their length, o a pointer to 4 bytes for a
// result, O to 8 bytes, v another value. Pairs are pointers and lengths too.
var slots = map[string]string{
	"proxy_log": "vpn", "proxy_get_log_level": "o", "proxy_get_current_time_nanoseconds": "O",
	"proxy_set_tick_period_milliseconds": "v", "proxy_set_effective_context": "v", "proxy_done": "",
	"proxy_call_foreign_function": "pnpnoo", "proxy_send_local_response": "vpnpnpnv", "proxy_continue_stream": "v",
	"proxy_close_stream": "v", "proxy_continue_request": "", "proxy_continue_response": "", "proxy_clear_route_cache": "",
	"proxy_get_header_map_pairs": "voo", "proxy_set_header_map_pairs": "vpn", "proxy_get_header_map_size": "vo",
	"proxy_get_header_map_value": "vpnoo", "proxy_add_header_map_value": "vpnpn", "proxy_replace_header_map_value": "vpnpn",
	"proxy_remove_header_map_value": "vpn", "proxy_get_buffer_bytes": "vvvoo", "proxy_get_buffer_status": "voo",
	"proxy_set_buffer_bytes": "vvvpn", "proxy_get_configuration": "oo", "proxy_get_property": "pnoo",
	"proxy_set_property": "pnpn", "proxy_get_shared_data": "pnooo", "proxy_set_shared_data": "pnpnv",
	"proxy_register_shared_queue": "pno", "proxy_resolve_shared_queue": "pnpno", "proxy_dequeue_shared_queue": "voo",
	"proxy_enqueue_shared_queue": "vpn", "proxy_define_metric": "vpno", "proxy_increment_metric": "vv",
	"proxy_record_metric": "vv", "proxy_get_metric": "vO", "proxy_http_call": "pnpnpnpnvo",
	"proxy_grpc_call": "pnpnpnpnpnvo", "proxy_grpc_stream": "pnpnpnpno", "proxy_grpc_send": "vpnv", "proxy_grpc_cancel": "v",
	"proxy_grpc_close": "v", "proxy_get_status": "ooo", "proxy_redis_init": "pnpnpnv", "proxy_redis_call": "pnpno",
	"proxy_inject_encoded_data_to_filter_chain": "pnv", "proxy_get_upstream_hosts": "oo",
	"proxy_set_upstream_override_host": "pn",
}

// TestHostilePointers has each pointer of each host call lead astray, one at a time.
func TestHostilePointers(t *testing.T) {
	host := &recordingHost{result: "result"}
	tr := newTrampoline(t, host, VMConfig{})
	size := tr.MemorySize()
	astray := map[byte][][2]uint64{ // pointer and length
		'p': {{size, 1}, {size - 1, 2}, {math.MaxUint32, 1}, {math.MaxUint32, math.MaxUint32}, {1, math.MaxUint32},
			{0, size + 1}, {size + 1, 0}, {0xfffffff0, 0x20}, {0x80000000, 0x80000000}},
		'o': {{size, 0}, {size - 3, 0}, {math.MaxUint32, 0}, {math.MaxUint32 - 3, 0}, {0x80000000, 0}},
		'O': {{size, 0}, {size - 7, 0}, {math.MaxUint32 - 7, 0}},
	}
	for name, c := range hostCalls {
		kinds, ok := slots[name]
		if !ok || len(kinds) != len(c.params) {
			t.Errorf("%s: slots = %q", name, kinds)
			continue
		}
		for i := range kinds {
			for _, bad := range astray[kinds[i]] {
				args := make([]uint64, len(kinds))
				for j, k := range kinds {
					if k == 'o' || k == 'O' {
						args[j] = outA
					}
				}
				args[i] = bad[0]
				if kinds[i] == 'p' {
					args[i+1] = bad[1]
				}
				host.calls = nil
				if status := tr.must(t, name, args...); status != abi.StatusInvalidMemoryAccess {
					t.Errorf("%s with slot %d = %#x, %#x: status = %v", name, i, bad[0], bad[1], status)
				}
				if host.calls != nil {
					t.Errorf("%s with slot %d = %#x, %#x: the host was asked: %q", name, i, bad[0], bad[1], host.calls)
				}
			}
		}
	}
}

func TestHostilePairs(t *testing.T) {
	host := &recordingHost{}
	tr := newTrampoline(t, host, VMConfig{})
	many := make([][2]string, abi.MaxPairs+1)
	tests := []struct {
		name string
		b    string
		want abi.Status
	}{
		{"empty", "", abi.StatusOK},
		{"no pairs", "\x00\x00\x00\x00", abi.StatusOK},
		{"as many as may be", string(abi.AppendPairs(nil, many[1:])), abi.StatusOK},
		{"one too many", string(abi.AppendPairs(nil, many)), abi.StatusBadArgument},
		{"three bytes", "\x00\x00\x00", abi.StatusBadArgument},
		{"a count without pairs", "\xff\xff\xff\xff", abi.StatusBadArgument},
		{"bytes left over", "\x00\x00\x00\x00\x00", abi.StatusBadArgument},
		{"a length past the end", "\x01\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00", abi.StatusBadArgument},
		{"no NUL", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00x", abi.StatusBadArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host.calls = nil
			tr.put(4096, tt.b)
			if status := tr.must(t, "proxy_set_header_map_pairs", 0, 4096, uint64(len(tt.b))); status != tt.want {
				t.Errorf("status = %v, want %v", status, tt.want)
			}
			if asked := len(host.calls) > 0; asked != (tt.want == abi.StatusOK) {
				t.Errorf("host calls = %q", host.calls)
			}
		})
	}
	t.Run("more than a MiB", func(t *testing.T) {
		big := newTrampoline(t, host, VMConfig{})
		big.memory.Grow(64)
		b := string(abi.AppendPairs(nil, [][2]string{{"k", string(make([]byte, abi.MaxPairsBytes))}}))
		big.put(4<<16, b)
		if status := big.must(t, "proxy_set_header_map_pairs", 0, 4<<16, uint64(len(b))); status != abi.StatusBadArgument {
			t.Errorf("status = %v", status)
		}
	})
}
