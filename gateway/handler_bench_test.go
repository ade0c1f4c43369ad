package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// cannedTransport answers every request at once.
type cannedTransport struct{ body string }

func (c cannedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(c.body)),
		Header: http.Header{"Content-Type": {"text/plain"}, "Content-Length": {"1024"}, "Date": {"Sun, 22 Nov 2026 20:34:02 GMT"}},
		Body:   io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

// nullWriter is a client that is not there.
type nullWriter struct{ h http.Header }

func (w *nullWriter) Header() http.Header         { return w.h }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) Flush()                      {}

// BenchmarkHandler is what the gateway's part of a proxied request costs without a network: the difference to
// httputil.ReverseProxy that BenchmarkProxy's noise hides.
func BenchmarkHandler(b *testing.B) {
	transport := cannedTransport{strings.Repeat("x", 1024)}
	run := func(b *testing.B, h http.Handler) {
		b.ReportAllocs()
		for b.Loop() {
			r := httptest.NewRequest("GET", "/some/path?x=y", nil)
			r.Header = http.Header{"User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"identity"}}
			r.RequestURI = "/some/path?x=y"
			h.ServeHTTP(&nullWriter{http.Header{}}, r)
		}
	}
	b.Run("reverseproxy", func(b *testing.B) {
		target, _ := url.Parse("http://127.0.0.1:1")
		run(b, &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
			Transport: transport, BufferPool: bufferPool{&chunkPool{}},
		})
	})
	b.Run("sluice", func(b *testing.B) {
		g := startGateway(b, http.NotFoundHandler(), nil, nil)
		for _, c := range g.clusters {
			c.conns.RegisterProtocol("http", transport)
		}
		run(b, http.HandlerFunc(g.listeners[0].serveHTTP))
	})
}
