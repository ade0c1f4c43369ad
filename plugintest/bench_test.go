package plugintest_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
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
