package gateway

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// noise is bytes that a seed says.
func noise(seed uint64, n int64) io.Reader {
	var s [32]byte
	s[0] = byte(seed)
	return io.LimitReader(rand.NewChaCha8(s), n)
}

func sum(t testing.TB, r io.Reader) (digest [32]byte, n int64) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		t.Error(err)
	}
	return [32]byte(h.Sum(nil)), n
}

// TestTCPTransfers has both sides send a lot at once, through constant memory.
func TestTCPTransfers(t *testing.T) {
	const size = 32 << 20
	for name, plugins := range map[string][]*tcpPlugin{"plain": nil, "two plugins": {{}, {}}} {
		t.Run(name, func(t *testing.T) {
			for _, p := range plugins {
				p.crash = func(string) bool {
					p.events = p.events[:0] // a long list is no use here
					return false
				}
			}
			digests := make(chan [32]byte, 2)
			both := func(c *net.TCPConn, sent uint64) {
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := io.Copy(c, noise(sent, size)); err != nil {
						t.Error(err)
					}
					_ = c.CloseWrite()
				})
				digest, n := sum(t, c)
				if n != size {
					t.Errorf("%d bytes arrived", n)
				}
				digests <- digest
				wg.Wait()
			}
			g := serveConfig(t, tcpConfig(tcpUpstream(t, func(c *net.TCPConn) { both(c, 2) }), plugins...))
			c := dialTCP(t, g.addr)
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			both(c, 1)
			got := [2][32]byte{<-digests, <-digests}
			runtime.ReadMemStats(&after)
			one, _ := sum(t, noise(1, size))
			two, _ := sum(t, noise(2, size))
			if got != [2][32]byte{one, two} && got != [2][32]byte{two, one} {
				t.Error("other bytes arrived than were sent")
			}
			// The plugins of the test copy each piece. What counts is what stays: well below what was sent.
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > size/2 {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
			if len(plugins) == 0 && after.TotalAlloc-before.TotalAlloc > 4<<20 {
				t.Errorf("%d bytes were allocated", after.TotalAlloc-before.TotalAlloc)
			}
		})
	}
}

// TestTCPBackPressure: what nobody reads is not read either, beyond what sockets and one chunk hold.
func TestTCPBackPressure(t *testing.T) {
	const size = 64 << 20
	for name, plugins := range map[string][]*tcpPlugin{"plain": nil, "a plugin": {{}}} {
		t.Run(name, func(t *testing.T) {
			begin, arrived := make(chan struct{}), make(chan int64, 1)
			g := serveConfig(t, tcpConfig(tcpUpstream(t, func(c *net.TCPConn) {
				_ = c.SetReadBuffer(64 << 10)
				<-begin
				n, err := io.Copy(io.Discard, struct{ io.Reader }{c})
				if err != nil {
					t.Error(err)
				}
				arrived <- n
			}), plugins...))
			c := dialTCP(t, g.addr)
			_ = c.SetWriteBuffer(64 << 10)
			var written atomic.Int64
			go func() {
				chunk := make([]byte, 1<<16)
				for written.Load() < size {
					n, err := c.Write(chunk)
					written.Add(int64(n))
					if err != nil {
						t.Error(err)
						break
					}
				}
				_ = c.CloseWrite()
			}()
			stuckAt(t, &written, size)
			close(begin)
			if n := <-arrived; n != size {
				t.Errorf("%d bytes arrived", n)
			}
		})
	}
}

// stuckAt waits until n stays the same for a while, which must be below size.
func stuckAt(t *testing.T, n *atomic.Int64, size int64) {
	t.Helper()
	last := int64(-1)
	waitFor(t, "a sender that is held back", func() bool {
		time.Sleep(100 * time.Millisecond)
		same := n.Load() == last
		last = n.Load()
		return same
	})
	if last >= size {
		t.Errorf("all %d bytes were taken from the sender", last)
	}
}

// TestTCPHeldDataIsBounded has a plugin hold everything back: reading stops at the listener's buffer limit, and goes on
// when the plugin resumes, or takes some of what it holds away.
func TestTCPHeldDataIsBounded(t *testing.T) {
	const size = 16 << 20
	for _, way := range []string{"resume", "take away"} {
		t.Run(way, func(t *testing.T) {
			var release, largest, dropped atomic.Int64
			var r *resumer
			r = newResumer(func(h abi.Host) {
				if release.Load() == 0 {
					r.paused.Store(uint32(2)) // again
					return
				}
				if way == "resume" {
					resume(h)
					return
				}
				held, _ := h.GetBufferBytes(nil, abi.BufferDownstreamData, 0, all)
				dropped.Add(int64(len(held)))
				set(h, abi.BufferDownstreamData, 0, all, "")
			})
			r.crash = func(string) bool {
				r.events = r.events[:0]
				return false
			}
			r.data = func(_ abi.Host, id uint32, data string, end bool) abi.Action {
				largest.Store(max(largest.Load(), int64(len(data))))
				if end {
					return abi.ActionContinue
				}
				return r.pause(id)
			}
			arrived := make(chan int64, 1)
			g := serveConfig(t, tcpConfig(tcpUpstream(t, func(c *net.TCPConn) {
				n, _ := io.Copy(io.Discard, struct{ io.Reader }{c})
				arrived <- n
			}), &r.tcpPlugin))
			c := dialTCP(t, g.addr)
			var written atomic.Int64
			go func() {
				chunk := make([]byte, 1<<16)
				for written.Load() < size {
					n, err := c.Write(chunk)
					written.Add(int64(n))
					if err != nil {
						t.Error(err)
						break
					}
				}
				_ = c.CloseWrite()
			}()
			stuckAt(t, &written, size)
			if n := largest.Load(); n > 64<<10+bodyChunkSize {
				t.Errorf("the plugin held %d bytes", n)
			}
			release.Store(1)
			if n := <-arrived + dropped.Load(); n != size {
				t.Errorf("%d bytes arrived or were taken away", n)
			}
		})
	}
}

// TestTCPHammer has many connections with plugins that do everything at once.
func TestTCPHammer(t *testing.T) {
	connections, rounds := 40, 6
	if testing.Short() {
		connections = 10
	}
	var paused sync.Map
	first := &tcpPlugin{}
	first.start = func(h abi.Host, _ uint32) { h.SetTickPeriod(1) }
	first.tick = func(h abi.Host) {
		paused.Range(func(id, _ any) bool {
			paused.Delete(id)
			if h.SetEffectiveContext(id.(uint32)) == abi.StatusOK {
				set(h, abi.BufferDownstreamData, 0, 0, "+")
				resume(h)
			}
			return true
		})
	}
	first.newConnection = func(_ abi.Host, id uint32) abi.Action {
		if id%3 == 0 {
			paused.Store(id, true)
			return abi.ActionPause
		}
		return abi.ActionContinue
	}
	first.data = func(h abi.Host, id uint32, data string, _ bool) abi.Action {
		switch {
		case strings.Contains(data, "quit"):
			h.CloseStream(abi.StreamDownstream)
		case strings.Contains(data, "hold"):
			paused.Store(id, true)
			return abi.ActionPause
		}
		return abi.ActionContinue
	}
	second := &tcpPlugin{write: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
		set(h, abi.BufferUpstreamData, all, 0, "-")
		return abi.ActionContinue
	}}
	cfg := tcpConfig(tcpUpstream(t, echoTCP), first, second)
	g := serveConfig(t, cfg)
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			for round := range rounds {
				c, err := net.Dial("tcp", g.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				tcp := c.(*net.TCPConn)
				switch (i + round) % 5 {
				case 0: // an ordinary conversation
					_, _ = io.WriteString(c, "hold it")
					_, _ = c.Read(make([]byte, 4))
					_ = tcp.CloseWrite()
					_, _ = io.Copy(io.Discard, c)
				case 1:
					_, _ = io.WriteString(c, "quit")
					_, _ = io.Copy(io.Discard, c)
				case 2: // gone at once
				case 3:
					_, _ = io.WriteString(c, "x")
					_ = tcp.SetLinger(0)
				case 4:
					go func() { _, _ = io.Copy(c, noise(uint64(i), 1<<20)) }()
					_, _ = io.CopyN(io.Discard, c, 1<<18)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	n := int64(connections * rounds)
	waitFor(t, "the end of every connection", func() bool { return first.deletes.Load() == n })
	if second.logs.Load() != second.deletes.Load() {
		t.Error("contexts were not all logged")
	}
}

func BenchmarkTCP(b *testing.B) {
	for name, plugins := range map[string][]*tcpPlugin{"plain": nil, "plugin": {{}}} {
		for _, p := range plugins {
			p.crash = func(string) bool {
				p.events = p.events[:0]
				return false
			}
		}
		b.Run(name, func(b *testing.B) {
			g := serveConfig(b, tcpConfig(tcpUpstream(b, echoTCP), plugins...))
			c := dialTCP(b, g.addr)
			piece := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(piece); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, piece); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
