package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// TestTrailersEndABody: what was held back of the last piece goes on before them.
func TestTrailersEndABody(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Trailers())
		for _, tt := range []struct{ name, body, want string }{
			{"nothing held back", "old", "new"},
			{"the beginning of a word held back", "the ol", "the ol"},
			{"nothing but what is held back", "o", "o"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(plugintest.Post("/").Chunks(tt.body).Trailer("X-Sum", "1"))
				if got.Status != 200 || got.Upstream == nil || got.Upstream.Body != tt.want || got.Body != tt.want {
					t.Fatalf("status %d (%s), %q, the upstream sees %+v", got.Status, got.Details, got.Body, got.Upstream)
				}
				if sum := got.Upstream.Trailer.Get("X-Sum"); sum != "1" {
					t.Errorf("the upstream gets the trailer %q", sum)
				}
			})
		}
	})
}

func TestTrailersEndAResponse(t *testing.T) {
	upstream := plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "old o")
		w.Header().Set("X-Sum", "1")
	}))
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Trailers(), upstream)
		if got := p.Do(plugintest.Get("/")); got.Status != 200 || got.Body != "new o" || got.Trailer.Get("X-Sum") != "1" || got.Err != nil {
			t.Errorf("status %d (%s), %q, trailers %v, %v", got.Status, got.Details, got.Body, got.Trailer, got.Err)
		}
	})
}
