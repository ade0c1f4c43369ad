package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// tcpPlugin is a plugin for connections, made of functions; those that are nil let everything pass.
type tcpPlugin struct {
	funcPlugin
	newConnection func(h abi.Host, id uint32) abi.Action
	data, write   func(h abi.Host, id uint32, data string, end bool) abi.Action
	// crash, if it is true of a callback's record, kills the plugin.
	crash func(event string) bool

	mu     sync.Mutex
	events []string
}

func (p *tcpPlugin) config() *pluginhost.Config {
	return &pluginhost.Config{Name: "test", Native: func(h abi.Host) abi.Plugin {
		p.host = h
		return p
	}}
}

var errTold = errors.New("told to")

func (p *tcpPlugin) record(format string, args ...any) error {
	event := fmt.Sprintf(format, args...)
	p.mu.Lock()
	p.events = append(p.events, event)
	p.mu.Unlock()
	if p.crash != nil && p.crash(event) {
		return errTold
	}
	return nil
}

// happened returns the callbacks so far.
func (p *tcpPlugin) happened() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.events, "\n")
}

func (p *tcpPlugin) OnContextCreate(_, parent uint32) error {
	if parent == 0 {
		return nil
	}
	return p.record("create")
}

func (p *tcpPlugin) OnNewConnection(id uint32) (a abi.Action, err error) {
	if err := p.record("new"); err != nil {
		return 0, err
	}
	if p.newConnection != nil {
		a = p.newConnection(p.host, id)
	}
	return a, nil
}

func (p *tcpPlugin) handOver(b abi.BufferType, name string, id, size uint32, end bool,
	f func(abi.Host, uint32, string, bool) abi.Action) (abi.Action, error) {
	data, _ := p.host.GetBufferBytes(nil, b, 0, size)
	shown := string(data)
	if len(shown) > 40 {
		shown = fmt.Sprint(len(shown))
	}
	if err := p.record("%s %q %v", name, shown, end); err != nil {
		return 0, err
	}
	if len(data) != int(size) {
		_ = p.record("but its size is %d", size)
	}
	if f == nil {
		return 0, nil
	}
	return f(p.host, id, string(data), end), nil
}

func (p *tcpPlugin) OnDownstreamData(id, size uint32, end bool) (abi.Action, error) {
	return p.handOver(abi.BufferDownstreamData, "data", id, size, end, p.data)
}

func (p *tcpPlugin) OnUpstreamData(id, size uint32, end bool) (abi.Action, error) {
	return p.handOver(abi.BufferUpstreamData, "write", id, size, end, p.write)
}

func (p *tcpPlugin) OnDownstreamConnectionClose(_ uint32, peer abi.PeerType) error {
	return p.record("close %d", peer)
}

func (p *tcpPlugin) OnUpstreamConnectionClose(_ uint32, peer abi.PeerType) error {
	return p.record("upstream close %d", peer)
}

func (p *tcpPlugin) OnDone(uint32) (bool, error) { return true, p.record("done") }

func (p *tcpPlugin) OnLog(uint32) error {
	p.logs.Add(1)
	return p.record("log")
}

func (p *tcpPlugin) OnDelete(uint32) error {
	p.deletes.Add(1)
	return p.record("delete")
}

// tcpConfig is a TCP proxy to upstream with plugins before it.
func tcpConfig(upstream string, plugins ...*tcpPlugin) *Config {
	proxy := &TCPProxy{Cluster: "u"}
	for i, p := range plugins {
		c := p.config()
		c.Name = fmt.Sprintf("test%d", i)
		proxy.Filters = append(proxy.Filters, Filter{Name: c.Name, Wasm: c})
	}
	return &Config{
		Listeners: []Listener{{Name: "l", Address: "127.0.0.1:0", BufferLimit: 64 << 10, TCP: proxy}},
		Clusters:  []Cluster{{Name: "u", Endpoints: []Endpoint{{Address: upstream}}}},
	}
}

// tcpUpstream serves each connection by serve until the test ends.
func tcpUpstream(t testing.TB, serve func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// echoTCP answers each piece with itself, and the end with the end.
func echoTCP(c *net.TCPConn) { _, _ = io.Copy(c, struct{ io.Reader }{c}) }

func dialTCP(t testing.TB, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// send writes text, in one piece.
func send(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Error(err)
	}
}

// want reads text.
func want(t testing.TB, c io.Reader, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Errorf("read %q, %v; want %q", b[:n], err, text)
	}
}

// wantEnd reads text and the end.
func wantEnd(t testing.TB, c io.Reader, text string) {
	t.Helper()
	if b, err := io.ReadAll(c); err != nil || string(b) != text {
		t.Errorf("read %q, %v; want %q and the end", b, err, text)
	}
}

var discard = slog.New(slog.DiscardHandler)
