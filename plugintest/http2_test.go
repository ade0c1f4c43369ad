package plugintest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestHTTP2(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.Trailers())
		t.Run("whole", func(t *testing.T) {
			for _, r := range []*plugintest.Request{
				plugintest.Post("/a?b=c").HTTP2().Header("Host", "plugins.test").Header("X-One", "1").Body("text"),
				plugintest.Post("/a?b=c").HTTP2().Header("Host", "plugins.test").Header("X-One", "1").Chunks("te", "xt"),
			} {
				got := p.For(t).Do(r)
				if got.Err != nil || got.Status != http.StatusOK || got.Body != "text" || got.Header.Get("x-probe") != "abc" {
					t.Fatalf("%+v", got)
				}
				up := got.Upstream
				if up == nil || up.Path != "/a?b=c" || up.Host != "plugins.test" || up.Header.Get("x-one") != "1" || got.Details != "via_upstream" {
					t.Errorf("%+v", got)
				}
			}
		})
		t.Run("without a body", func(t *testing.T) {
			if got := p.For(t).Do(plugintest.Get("/").HTTP2()); got.Status != http.StatusOK || got.Upstream == nil {
				t.Errorf("%+v", got)
			}
		})
		t.Run("step by step, with trailers", func(t *testing.T) {
			s := p.For(t).Stream(plugintest.Post("/").HTTP2().Header("TE", "trailers").Trailer("X-Sum", "42"))
			s.Send("data")
			up := s.Upstream()
			up.Expect("data")
			s.CloseSend()
			up.ExpectEnd()
			if got := up.Trailers().Get("x-sum"); got != "42" {
				t.Errorf("the upstream gets the trailers %v", up.Trailers())
			}
			up.Send("answer")
			s.Expect("answer")
			up.Trailer("X-Check", "7")
			up.Close()
			if got := s.Response(); got.Trailer.Get("x-check") != "7" {
				t.Errorf("%+v", got)
			}
		})
		t.Run("the client goes away", func(t *testing.T) {
			s := p.For(t).Stream(plugintest.Post("/").HTTP2())
			s.Send("data")
			up := s.Upstream()
			up.Expect("data")
			s.Cancel()
			up.Gone()
		})
		t.Run("the upstream breaks off", func(t *testing.T) {
			s := p.For(t).Stream(plugintest.Get("/").HTTP2())
			up := s.Upstream()
			up.Send("half")
			s.Expect("half")
			up.Reset()
			if got := s.Response(); got.Err == nil {
				t.Errorf("%+v", got)
			}
		})
	})
}

func TestHTTP2WithoutAnAnswer(t *testing.T) {
	f := &failing{TB: t}
	p := start(f, plugintest.Native, plugintest.Timeout(shortly))
	p.Do(plugintest.Get("/").HTTP2().Header("x-do", "hold"))
	if !strings.Contains(f.said, "no whole answer in") {
		t.Errorf("it says %q", f.said)
	}
}
