package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestRequests(t *testing.T) {
	tests := []struct {
		name    string
		request *plugintest.Request
		status  int
	}{
		{"right", plugintest.Post("/").Chunks("a ", "body").Trailer(digestTrailer, digest("a body")), 200},
		{"right, of an empty body", plugintest.Post("/").Chunks().Trailer(digestTrailer, digest("")), 200},
		{"wrong", plugintest.Post("/").Chunks("a ", "lie").Trailer(digestTrailer, digest("a body")), 400},
		{"no trailers", plugintest.Post("/").Chunks("a body"), 200},
		{"another trailer", plugintest.Post("/").Chunks("a body").Trailer("x-other", "1"), 200},
		{"no body", plugintest.Get("/"), 200},
		{"compressed, which is not looked at", plugintest.Post("/").Header("Content-Encoding", "gzip").Chunks("zip").Trailer("x-other", "1"), 200},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Trailers())
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != tt.status {
					t.Errorf("status %d (%s), %q, want %d", got.Status, got.Details, got.Body, tt.status)
				}
				if reached := got.Upstream != nil; reached != (tt.status == 200) {
					t.Errorf("reached the upstream: %v", reached)
				}
			})
		}
	})
}

func TestResponses(t *testing.T) {
	upstream := plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/trailers" {
			w.Header().Set("Trailer", "X-Up")
		}
		_, _ = io.WriteString(w, "an answer")
		w.Header().Set("X-Up", "1") // a trailer, where it was announced
	}))
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Trailers(), upstream)
		with, without := p.Do(plugintest.Get("/trailers")), p.Do(plugintest.Get("/"))
		if got := with.Trailer.Get(digestTrailer); got != digest("an answer") || with.Trailer.Get("X-Up") != "1" || with.Body != "an answer" {
			t.Errorf("status %d, %q, trailers %v", with.Status, with.Body, with.Trailer)
		}
		if len(without.Trailer) != 0 || without.Body != "an answer" {
			t.Errorf("status %d, %q, trailers %v of an answer without any", without.Status, without.Body, without.Trailer)
		}
	})
}
