package plugintest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// BenchmarkStart is what a test costs that starts a plugin, once its module is built and translated.
func BenchmarkStart(b *testing.B) {
	for _, mode := range []plugintest.Mode{plugintest.Native, plugintest.Wasm} {
		b.Run(mode.String(), func(b *testing.B) {
			start(b, mode).Close()
			for b.Loop() {
				start(b, mode).Close()
			}
		})
	}
}

// BenchmarkDo is what a whole request costs, over real connections.
func BenchmarkDo(b *testing.B) {
	for _, mode := range []plugintest.Mode{plugintest.Native, plugintest.Wasm} {
		b.Run(mode.String(), func(b *testing.B) {
			p := start(b, mode)
			r := plugintest.Get("/")
			for b.Loop() {
				if got := p.Do(r); got.Status != 200 {
					b.Fatalf("%+v", got)
				}
			}
		})
	}
}

// memoryStream is as much of a gateway's stream as a header plugin needs.
type memoryStream struct {
	pluginhost.Callbacks
	sync.Mutex
	request, response *message.Headers
}

func (s *memoryStream) Lock()                                                { s.Mutex.Lock() }
func (s *memoryStream) Unlock()                                              { s.Mutex.Unlock() }
func (s *memoryStream) RequestHeaders() *message.Headers                     { return s.request }
func (s *memoryStream) ResponseHeaders() *message.Headers                    { return s.response }
func (s *memoryStream) AppendProperty(dst []byte, _ abi.Path) ([]byte, bool) { return dst, false }

// BenchmarkHeaders is the part of a request that is the plugin's and its host's, without gateway and connections: what a
// plugin that reads and adds a header costs.
func BenchmarkHeaders(b *testing.B) {
	start(b, plugintest.Native).Close() // the plugin is registered, and no other test has it
	host := pluginhost.New(pluginhost.Options{Workers: 1})
	p, err := host.NewPlugin(b.Context(), pluginhost.Config{
		Name: "probe", Configuration: []byte(`{"text":"abc"}`), Native: proxywasm.NewPlugin,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = host.Close(context.Background()) }()
	b.ReportAllocs()
	for b.Loop() {
		s := &memoryStream{
			request:  message.NewHeaders(":method", "GET", ":path", "/", ":authority", "example.com", "x-do", "nothing"),
			response: message.NewHeaders(":status", "200"),
		}
		f := p.NewFilter(0, s)
		f.DecodeHeaders(s.request, true)
		f.EncodeHeaders(s.response, true)
		f.OnLog()
		f.OnDestroy()
		if !s.response.Has("x-probe") {
			b.Fatal("the plugin has not run")
		}
	}
}
