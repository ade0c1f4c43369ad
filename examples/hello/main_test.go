package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestGreetsUpstreamAndClient(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		got := p.Do(plugintest.Get("/path?q=1"))
		if got.Status != http.StatusOK || got.Upstream == nil {
			t.Fatalf("status %d (%s), want the upstream's 200", got.Status, got.Details)
		}
		if g := got.Upstream.Header.Get(header); g != greeting {
			t.Errorf("the upstream sees %s: %q, want %q", header, g, greeting)
		}
		if g := got.Header.Get(header); g != greeting {
			t.Errorf("the client sees %s: %q, want %q", header, g, greeting)
		}
		if got.Upstream.Path != "/path?q=1" {
			t.Errorf("the upstream sees the path %q", got.Upstream.Path)
		}
	})
}

// TestModuleIsSmall builds the module as a user does, with default flags.
func TestModuleIsSmall(t *testing.T) {
	out := filepath.Join(t.TempDir(), "hello.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-o", out, ".")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(3_000_000); info.Size() >= limit {
		t.Errorf("the module has %d bytes, the limit is %d: what did it begin to import?", info.Size(), limit)
	}
}

// TestTakesTheGreetingFromNobodyElse: a header of that name that client or upstream sent is replaced, every value of it.
func TestTakesTheGreetingFromNobodyElse(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Hello", "from upstream")
			w.Header().Add("X-Hello", "again")
		})))
		got := p.Do(plugintest.Get("/").Header("X-Hello", "from client").Header("x-hello", "again"))
		if v := got.Upstream.Header.Values("x-hello"); len(v) != 1 || v[0] != "hello from sluice" {
			t.Errorf("the upstream sees x-hello: %q", v)
		}
		if v := got.Header.Values("x-hello"); len(v) != 1 || v[0] != "hello from sluice" {
			t.Errorf("the client sees x-hello: %q", v)
		}
	})
}

func TestBodiesPassUntouched(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<18) // 4 MiB, past the buffer limit
	tests := []struct {
		name    string
		request *plugintest.Request
		body    string
	}{
		{"none", plugintest.Get("/"), ""},
		{"empty", plugintest.Post("/").Body(""), ""},
		{"empty, in chunks", plugintest.Post("/").Chunks(), ""},
		{"small", plugintest.Post("/").Body("small"), "small"},
		{"in chunks", plugintest.Post("/").Chunks("a", "bc", "def"), "abcdef"},
		{"large", plugintest.Post("/").Body(large), large},
		{"large, in chunks", plugintest.Post("/").Chunks(large[:1<<20], large[1<<20:]), large},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.BufferLimit(64<<10))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != http.StatusOK || got.Err != nil || got.Upstream == nil {
					t.Fatalf("status %d (%s), %v", got.Status, got.Details, got.Err)
				}
				if got.Upstream.Body != tt.body || got.Body != tt.body {
					t.Errorf("of %d bytes %d reach the upstream and %d come back", len(tt.body), len(got.Upstream.Body), len(got.Body))
				}
			})
		}
	})
}

func TestHeadHasNoBody(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		got := p.Do(plugintest.NewRequest(http.MethodHead, "/"))
		if got.Status != http.StatusOK || got.Body != "" || got.Header.Get("x-hello") == "" {
			t.Errorf("status %d, %v, body %q", got.Status, got.Header, got.Body)
		}
	})
}
