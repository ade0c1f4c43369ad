package gateway

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// messages keeps the messages that plugins log.
type messages struct {
	slog.Handler
	mu   sync.Mutex
	list []string
}

func (m *messages) Handle(_ context.Context, r slog.Record) error {
	m.mu.Lock()
	m.list = append(m.list, r.Message)
	m.mu.Unlock()
	return nil
}

func (m *messages) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (m *messages) WithAttrs([]slog.Attr) slog.Handler           { return m }
func (m *messages) WithGroup(string) slog.Handler                { return m }

// has reports whether text is in a message since the last take.
func (m *messages) has(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.list, func(line string) bool { return strings.Contains(line, text) })
}

// take returns the messages since the last take.
func (m *messages) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = nil
	return list
}

// TestTCPGuest runs testdata/tcpguest, a plugin built with the SDK, as module. What it logs is what it logged in Envoy
// 1.40 with the same clients and upstreams, line by line, less two things that are a matter of timing: ids, and whether
// the end comes with the last piece or by itself.
func TestTCPGuest(t *testing.T) {
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/tcpguest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasmvm.NewEngine(t.Context(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())

	log := &messages{}
	seen := func(t *testing.T, text string) {
		waitFor(t, text, func() bool { return log.has(text) })
	}
	// conversation sends, waits until the plugin has logged something, and ends.
	conversation := func(until string) func(t *testing.T, c *net.TCPConn) {
		return func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			seen(t, until)
			_ = c.CloseWrite()
			_, _ = io.ReadAll(c)
		}
	}
	tests := []struct {
		mode   string
		client func(t *testing.T, c *net.TCPConn)
		want   string
	}{
		{"log", conversation("upstream ["), `create
new
downstream 3 false 3 abc
upstream 3 false 3 abc
downstream 0 true 0
upstream 0 true 0
upstream close 0
downstream close 1
done`},
		{"rewrite", conversation("upstream ["), `create
new
downstream 3 false 3 abc
upstream 3 false 3 ABC
downstream 0 true 0
upstream 0 true 0
upstream close 0
downstream close 1
done`},
		{"drop", conversation("downstream ["), `create
new
downstream 3 false 3 abc
downstream 0 true 0
upstream 0 true 0
upstream close 0
downstream close 1
done`},
		{"line", func(t *testing.T, c *net.TCPConn) {
			for _, piece := range []string{"ab", "cd", "ef\n"} { // the plugin shows all that it holds
				send(t, c, piece)
				seen(t, piece+" <nil>")
			}
			want(t, c, "abcdef\n")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `create
new
downstream 2 false 2 ab
downstream 4 false 4 abcd
downstream 7 false 7 abcdef
upstream 7 false 7 abcdef
downstream 0 true 0
upstream 0 true 0
upstream close 0
downstream close 1
done`},
		{"pause new, tick", conversation("upstream ["), `create
new
resume
downstream 3 false 3 abc
upstream 3 false 3 abc
downstream 0 true 0
upstream 0 true 0
upstream close 0
downstream close 1
done`},
		{"close on tick", conversation("downstream close ["), `create
new
downstream 3 false 3 abc
resume
downstream close 1
done`},
		{"close new", conversation("downstream close ["), `create
new
downstream close 1
done`},
		{"quit", func(t *testing.T, c *net.TCPConn) {
			send(t, c, "quit")
			wantEnd(t, c, "")
		}, `create
new
downstream 4 false 4 quit
downstream close 1
done`},
	}
	host := pluginhost.New(pluginhost.Options{Engine: engine, Workers: 1, Logger: slog.New(log)})
	cfg := &Config{Clusters: []Cluster{{Name: "u", Endpoints: []Endpoint{{Address: tcpUpstream(t, echoTCP)}}}}}
	for _, tt := range tests {
		cfg.Listeners = append(cfg.Listeners, Listener{Name: tt.mode, Address: "127.0.0.1:0", TCP: &TCPProxy{
			Cluster: "u", Filters: []Filter{{Name: "guest", Wasm: &pluginhost.Config{
				Name: "guest", Code: code, Configuration: []byte(tt.mode), LogLevel: abi.LogInfo,
			}}},
		}})
	}
	g, err := New(cfg, Options{Plugins: host, Logger: discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	noise := regexp.MustCompile(` *( error status returned by host: not found| <nil>)?\]$`)
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			log.take()
			tt.client(t, dialTCP(t, g.Addr(tt.mode).String()))
			var got []string
			waitFor(t, "the end", func() bool {
				for _, line := range log.take() {
					if first, rest, ok := strings.Cut(noise.ReplaceAllString(line, ""), " ["); ok {
						_, rest, _ = strings.Cut(rest, " ") // the id
						got = append(got, strings.TrimSpace(first+" "+rest))
					}
				}
				return len(got) > 0 && got[len(got)-1] == "done"
			})
			if g := strings.Join(got, "\n"); g != tt.want {
				t.Errorf("got\n%s\nwant\n%s", g, tt.want)
			}
		})
	}
}
