package pluginhost

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/redis/redistest"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// redisModule is a plugin that asks Redis when it is configured, and logs the reply.
func redisModule(command string) []byte {
	m := wasmtest.PluginOf(abi.Version0_2_100)
	log := m.Import("env", "proxy_log", "iii", "i")
	initialize := m.Import("env", "proxy_redis_init", "iiiiiii", "i")
	call := m.Import("env", "proxy_redis_call", "iiiii", "i")
	read := m.Import("env", "proxy_get_buffer_bytes", "iiiii", "i")
	const name, options = "redis", "redis?db=1"
	cluster, query := m.Data(options), m.Data(command)
	pointer, length := m.Data("----"), m.Data("----")
	m.Func("proxy_on_configure", "ii", "i", wasmtest.Code{}.
		I32(cluster).I32(len(options)).I32(0).I32(0).I32(0).I32(0).I32(1000).Call(initialize).Drop().
		I32(cluster).I32(len(name)).I32(query).I32(len(command)).I32(pointer).Call(call).Drop().
		I32(1))
	m.Func("proxy_on_redis_call_response", "iiii", "", wasmtest.Code{}.
		I32(int(abi.BufferRedisCallResponse)).I32(0).LocalGet(3).I32(pointer).I32(length).Call(read).Drop().
		I32(int(abi.LogWarn)).I32(pointer).Load32(0).I32(length).Load32(0).Call(log).Drop())
	return m.Bytes()
}

func TestWasmRedisCall(t *testing.T) {
	server := redistest.Start(t)
	h, log := wasmHost(t)
	_, err := h.NewPlugin(t.Context(), Config{
		Name: "w", Code: redisModule(string(command("echo", "hello"))), Upstreams: redisUpstreams{"redis": server.Addr},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `msg="$5\r\nhello\r"`
	for range 500 {
		if strings.Count(log.String(), want) == h.Workers() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("log: %s", log)
}

// FuzzRedis: whatever a plugin hands to the two calls, a call that is taken has one answer, and the others have none.
func FuzzRedis(f *testing.F) {
	f.Add([]byte("redis?db=1&buffer_flush_timeout=3"), []byte("user"), uint32(1000), []byte("redis"), command("get", "k"))
	f.Add([]byte("redis?%zz&x=%00"), []byte{}, uint32(0), []byte("redis?"), []byte("*1\r\n$0\r\n\r\n"))
	f.Add([]byte("redis"), []byte{}, uint32(1), []byte("redis"), []byte("*1\r\n$4\r\nping\r\n*1\r\n"))
	f.Fuzz(func(t *testing.T, cluster, user []byte, millis uint32, name, query []byte) {
		answers := 0
		s, err := tryStart(map[string]handler{"redis_call_response": func(c call) (uint32, error) {
			answers++ // under the VM's lock
			wantEqual(t, "status", abi.RedisStatus(c.args[0]), abi.RedisDialFailed)
			return 0, nil
		}}, func(c *Config) { c.Upstreams = redisUpstreams{"redis": "127.0.0.1:1"} })
		if err != nil {
			t.Fatal(err)
		}
		defer closeHost(t, s.host)
		taken := 0
		s.inCallback(func(h abi.Host) {
			h.RedisInit(cluster, user, user, millis%100)
			id, status := h.RedisCall(name, query)
			switch {
			case status == abi.StatusOK && id%4 == 3:
				taken++
			case status == abi.StatusBadArgument && id == 0:
			default:
				t.Errorf("call %d, %v", id, status)
			}
		})
		for range 5000 {
			if s.plugin.calls.active.Load() == 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		s.inCallback(func(abi.Host) { wantEqual(t, "answers", answers, taken) })
	})
}
