package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

const limits = `{"uploads": 131072, "responses": 262144}`

// answer is an upstream that reads the request and answers with as many bytes as the header x-size says.
func answer() plugintest.Option {
	return plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what a test wants of it, it asserts on what the kit recorded
		size, _ := strconv.Atoi(r.Header.Get("X-Size"))
		_, _ = io.WriteString(w, text(size))
	}))
}

func text(size int) string { return strings.Repeat("x", size) }

// TestLimits: the gateway's limit is 16 KiB.
func TestLimits(t *testing.T) {
	tests := []struct {
		name, path     string
		body, response int
		status         int
		details        string
	}{
		{"small", "/", 100, 100, 200, "via_upstream"},
		{"at the gateway's limit", "/", 16 << 10, 0, 200, "via_upstream"},
		{"over the gateway's limit", "/", 16<<10 + 1, 0, 413, "request_payload_too_large"},
		{"an upload over the gateway's limit", "/upload/a", 100 << 10, 0, 200, "via_upstream"},
		{"an upload at its limit", "/upload/a", 128 << 10, 0, 200, "via_upstream"},
		{"an upload over its limit", "/upload/a", 128<<10 + 1, 0, 413, "request_payload_too_large"},
		{"a response over the request's limit", "/", 100, 200 << 10, 200, "via_upstream"},
		{"a response at its limit", "/", 100, 256 << 10, 200, "via_upstream"},
		{"a response over its limit", "/", 100, 256<<10 + 1, 500, "response_payload_too_large"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(limits), plugintest.BufferLimit(16<<10), answer())
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(plugintest.Post(tt.path).Header("X-Size", strconv.Itoa(tt.response)).Body(text(tt.body)))
				if got.Status != tt.status || got.Details != tt.details || got.Err != nil {
					t.Fatalf("status %d (%s), %v, want %d (%s)", got.Status, got.Details, got.Err, tt.status, tt.details)
				}
				if tt.status == http.StatusRequestEntityTooLarge {
					if got.Upstream != nil {
						t.Error("the upstream got the request")
					}
					return
				}
				if sum := got.Upstream.Header.Get("X-Body-Sha256"); sum != digest([]byte(text(tt.body))) {
					t.Errorf("the upstream is told the digest %q", sum)
				}
				if sum := got.Header.Get("X-Body-Sha256"); tt.status == 200 && tt.response > 0 && sum != digest([]byte(text(tt.response))) {
					t.Errorf("the client is told the digest %q", sum)
				}
			})
		}
	})
}

// TestNoLimitByMistake: 0 would be none.
func TestNoLimitByMistake(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(`{"uploads": 0, "responses": "many"}`), answer())
		got := p.Do(plugintest.Post("/upload/a").Body(text(10<<20 + 1)))
		if got.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d (%s), want 413", got.Status, got.Details)
		}
	})
}

func TestConfigurationFile(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.ConfigFile("config.yaml"), answer())
		got := p.Do(plugintest.Get("/").Header("X-Size", strconv.Itoa(1<<20+1)))
		if got.Status != http.StatusInternalServerError {
			t.Errorf("status %d (%s), want 500 for a response over 1 MiB", got.Status, got.Details)
		}
	})
}
