package gateway

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpuTime is the CPU time this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bufferPool gives httputil.ReverseProxy the memory that a gateway's streams have.
type bufferPool struct{ chunks *chunkPool }

func (p bufferPool) Get() []byte  { return p.chunks.get()[:] }
func (p bufferPool) Put(b []byte) { p.chunks.put((*bodyChunk)(b)) }

// BenchmarkProxy compares a gateway that no plugin touches with httputil.ReverseProxy on the same transport settings:
// CPU time of the whole process for each proxied 1 KiB request, client and upstream included.
func BenchmarkProxy(b *testing.B) {
	body := strings.Repeat("x", 1024)
	upstream := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1024")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, body)
	})
	run := func(b *testing.B, url string) {
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
		defer c.CloseIdleConnections()
		get := func() {
			resp, err := c.Get(url + "/some/path?x=y")
			if err != nil {
				b.Error(err)
				return
			}
			if n, err := io.Copy(io.Discard, resp.Body); n != 1024 || err != nil {
				b.Errorf("%d bytes, %v", n, err)
			}
			resp.Body.Close()
		}
		get()
		b.ReportAllocs()
		start := cpuTime()
		b.ResetTimer()
		b.SetParallelism(8)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				get()
			}
		})
		b.StopTimer()
		b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
	b.Run("direct", func(b *testing.B) {
		up := httptest.NewServer(upstream)
		defer up.Close()
		run(b, up.URL)
	})
	b.Run("reverseproxy", func(b *testing.B) {
		up := httptest.NewServer(upstream)
		defer up.Close()
		target, _ := url.Parse(up.URL)
		transport := newTransport(b.Context(), &Cluster{ConnectTimeout: 5 * time.Second})
		defer transport.CloseIdleConnections()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		proxy := &httputil.ReverseProxy{
			Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
			Transport:  transport,
			BufferPool: bufferPool{&chunkPool{}},
		}
		srv := &http.Server{Handler: proxy}
		go srv.Serve(l)
		defer srv.Close()
		run(b, "http://"+l.Addr().String())
	})
	for _, n := range []int{0, 1} {
		name := "sluice"
		if n > 0 {
			name = "sluice, native plugin that does nothing"
		}
		b.Run(name, func(b *testing.B) {
			var plugins []*funcPlugin
			for range n {
				plugins = append(plugins, &funcPlugin{})
			}
			run(b, startGateway(b, upstream, plugins, nil).url)
		})
	}
}
