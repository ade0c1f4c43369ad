package plugintest_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/plugintest/internal/probe"
)

func init() { probe.Register() }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts the probe: in wasm mode, the package that makes a module of it.
func start(t testing.TB, mode plugintest.Mode, opts ...plugintest.Option) *plugintest.Plugin {
	t.Helper()
	opts = append([]plugintest.Option{plugintest.Source("testdata/probe"), plugintest.Config(`{"text":"abc"}`)}, opts...)
	return plugintest.Start(t, mode, opts...)
}

func TestDoShowsBothEnds(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, "got %d", len(body))
		})))
		got := p.Do(plugintest.Post("/a/b?c=d").Header("Host", "plugins.test").Header("X-One", "1").Chunks("abc", "de"))
		if got.Err != nil || got.Status != http.StatusAccepted || got.Header.Get("x-answer") != "yes" || got.Body != "got 5" {
			t.Errorf("the client gets %+v", got)
		}
		if got.Header.Get("x-probe") != "abc" {
			t.Errorf("the plugin did not see the answer: %v", got.Header)
		}
		if got.Details != "via_upstream" {
			t.Errorf("details %q", got.Details)
		}
		up := got.Upstream
		if up == nil {
			t.Fatal("no upstream request")
		}
		if up.Method != http.MethodPost || up.Path != "/a/b?c=d" || up.Host != "plugins.test" || up.Header.Get("x-one") != "1" ||
			up.Body != "abcde" || up.ContentLength != -1 || up.Err != nil {
			t.Errorf("the upstream gets %+v", up)
		}
	})
}

func TestDoWhenThePluginAnswers(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		got := p.Do(plugintest.Get("/").Header("x-do", "reply"))
		if got.Status != 418 || got.Body != "no tea" || got.Header.Get("x-probe") == "" {
			t.Errorf("the client gets %+v", got)
		}
		if got.Upstream != nil {
			t.Errorf("the upstream gets %+v", got.Upstream)
		}
	})
}

// TestDoByManyAtOnce holds that each request is shown its own twin.
func TestDoByManyAtOnce(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		workers := 1
		if mode == plugintest.Wasm {
			workers = 2
		}
		p := start(t, mode, plugintest.Workers(workers))
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					text := fmt.Sprintf("%d/%d", i, j)
					got := p.Do(plugintest.Post("/" + text).Body(text))
					if got.Err != nil || got.Body != text || got.Upstream == nil || got.Upstream.Body != text || got.Upstream.Path != "/"+text {
						t.Errorf("%s: %+v", text, got)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestARequestWhoseIDThePluginRemoves(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		got := p.Do(plugintest.Get("/").Header("x-do", "forget"))
		if got.Status != http.StatusOK || got.Upstream == nil {
			t.Errorf("%+v", got)
		}
	})
}

func TestStreamTrailers(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.Trailers())
		s := p.Stream(plugintest.Post("/").Header("TE", "trailers").Trailer("X-Sum", "42"))
		s.Send("data")
		s.CloseSend()
		up := s.Upstream()
		up.Expect("data")
		up.ExpectEnd()
		if got := up.Trailers().Get("x-sum"); got != "42" {
			t.Errorf("the upstream gets the trailers %v", up.Trailers())
		}
		up.Send("answer")
		up.Trailer("X-Check", "7")
		up.Close()
		if got := s.Response(); got.Body != "answer" || got.Trailer.Get("x-check") != "7" {
			t.Errorf("the client gets %q and %v", got.Body, got.Trailer)
		}
	})
}

func TestStreamServe(t *testing.T) {
	p := start(t, plugintest.Native)
	s := p.Stream(plugintest.Post("/"))
	s.Send("one ")
	up := s.Upstream()
	up.Serve(nil)
	s.Send("two")
	s.CloseSend()
	if got := s.Response(); got.Body != "one two" || got.Upstream == nil {
		t.Errorf("%+v", got)
	}
}

func TestLogs(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		p.Do(plugintest.Get("/").Header("x-do", "log"))
		for _, want := range []string{"debugging abc", "warning abc"} {
			if !p.Logged(want) {
				t.Errorf("%q is not logged; logged: %v", want, p.Logs())
			}
		}
		if p.Logged("never said") {
			t.Error("a line that was not logged is found")
		}
	})
}

// TestAPanicIsLoggedWithItsStack, and the client's request does not pass.
func TestAPanicIsLoggedWithItsStack(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		got := p.Do(plugintest.Get("/").Header("x-do", "panic"))
		if got.Status < 500 || got.Upstream != nil {
			t.Errorf("status %d, reached the upstream: %v", got.Status, got.Upstream != nil)
		}
		if !p.Logged("told to panic") || !p.Logged("panicHere") {
			t.Errorf("logged: %v", p.Logs())
		}
	})
}

func TestALoopEndsAtItsDeadline(t *testing.T) {
	p := start(t, plugintest.Wasm, plugintest.Deadline(100*time.Millisecond))
	got := p.Do(plugintest.Get("/").Header("x-do", "loop"))
	if got.Status != http.StatusServiceUnavailable || got.Upstream != nil {
		t.Errorf("%+v", got)
	}
}

func TestTryStart(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		_, err := plugintest.TryStart(t, mode, plugintest.Source("testdata/probe"), plugintest.Config(`{"text":"refuse"}`))
		if err == nil || !strings.Contains(err.Error(), "told to refuse") {
			t.Errorf("a plugin that refuses: %v", err)
		}
		start(t, mode) // the refusal left nothing behind
	})
	for _, tt := range []struct{ name, source, says string }{
		{"source that does not build", "testdata/broken", "thisIsNowhere"},
		{"no such directory", "testdata/nowhere", "testdata/nowhere"},
		{"no module", "doc.go", "not"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryStart(t, plugintest.Wasm, plugintest.Source(tt.source))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("starting says: %v", err)
			}
		})
	}
}

// failing is a test that notes how it fails.
type failing struct {
	testing.TB
	mu   sync.Mutex
	said string
}

func (f *failing) Helper() {}
func (f *failing) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said += fmt.Sprintf(format, args...)
}
func (f *failing) Fatalf(format string, args ...any) { f.Errorf(format, args...); runtime.Goexit() }
func (f *failing) Failed() bool                      { return false }

// TestStepsThatFailSayWhy gives each step what it does not expect.
func TestStepsThatFailSayWhy(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		do         func(p *plugintest.Plugin)
	}{
		{"no answer", "no whole answer in", func(p *plugintest.Plugin) { p.Do(plugintest.Get("/").Header("x-do", "hold")) }},
		{"no upstream", "has not reached the upstream in", func(p *plugintest.Plugin) {
			p.Stream(plugintest.Get("/").Header("x-do", "hold")).Upstream()
		}},
		{"no head", "no answer has reached the client", func(p *plugintest.Plugin) {
			p.Stream(plugintest.Get("/")).Head()
		}},
		{"no bytes", "nothing for", func(p *plugintest.Plugin) {
			p.Stream(plugintest.Post("/")).Upstream().Receive()
		}},
		{"other bytes", `got "abd", want "abc"`, func(p *plugintest.Plugin) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("abd")
			s.Upstream().Expect("abc")
		}},
		{"bytes in place of the end", `got "more", want its end`, func(p *plugintest.Plugin) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("more")
			s.Upstream().ExpectEnd()
		}},
		{"the end in place of bytes", `got "le" and then its end, want "less"`, func(p *plugintest.Plugin) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("le")
			s.CloseSend()
			s.Upstream().Expect("less")
		}},
		{"more of an answer that was broken off", "answer has ended already", func(p *plugintest.Plugin) {
			up := p.Stream(plugintest.Get("/")).Upstream()
			up.Reset()
			up.Send("more")
		}},
		{"more after the end", "has ended already", func(p *plugintest.Plugin) {
			s := p.Stream(plugintest.Post("/"))
			s.CloseSend()
			s.Send("more")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &failing{TB: t}
			p := start(f, plugintest.Native, plugintest.Timeout(200*time.Millisecond))
			done := make(chan struct{})
			go func() {
				defer close(done)
				tt.do(p)
			}()
			<-done
			if !strings.Contains(f.said, tt.says) {
				t.Errorf("it says %q, want %q", f.said, tt.says)
			}
		})
	}
}

func TestOneNativePluginAtATime(t *testing.T) {
	t.Run("a second in the same test fails it", func(t *testing.T) {
		f := &failing{TB: t}
		start(f, plugintest.Native)
		done := make(chan struct{})
		go func() {
			defer close(done)
			start(f, plugintest.Native)
		}()
		<-done
		if !strings.Contains(f.said, "runs a native plugin already") {
			t.Errorf("it says %q", f.said)
		}
	})
	t.Run("others wait", func(t *testing.T) {
		for i := range 3 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				p := start(t, plugintest.Native)
				if got := p.Do(plugintest.Get("/")); got.Status != http.StatusOK {
					t.Errorf("%+v", got)
				}
			})
		}
	})
	t.Run("one after another in a test", func(t *testing.T) {
		for range 2 {
			p := start(t, plugintest.Native)
			if got := p.Do(plugintest.Get("/")); got.Status != http.StatusOK {
				t.Errorf("%+v", got)
			}
			p.Close()
		}
	})
}

func TestNativeRefusesWhatNeedsWasm(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		option     plugintest.Option
	}{
		{"several VMs", "Workers(2)", plugintest.Workers(2)},
		{"a deadline", "Deadline(1s)", plugintest.Deadline(time.Second)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryStart(t, plugintest.Native, tt.option)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "use wasm mode") {
				t.Errorf("starting says: %v", err)
			}
		})
	}
}

// TestACallbackThatDoesNotReturnFailsTheTest, and does not hold up the others.
func TestACallbackThatDoesNotReturnFailsTheTest(t *testing.T) {
	f := &failing{TB: t}
	p := start(f, plugintest.Native, plugintest.Timeout(200*time.Millisecond))
	p.Do(plugintest.Get("/").Header("x-do", "block"))
	p.Close()
	close(probe.Release)
	if !strings.Contains(f.said, "callback does not return; native mode cannot interrupt it: use wasm mode") {
		t.Errorf("it says %q", f.said)
	}
	// What was given up ends in its own time, now that the callback has returned.
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		next, err := plugintest.TryStart(t, plugintest.Native, plugintest.Source("testdata/probe"), plugintest.Config(`{"text":"abc"}`))
		if err == nil {
			if got := next.Do(plugintest.Get("/")); got.Status != http.StatusOK {
				t.Errorf("the next plugin answers %+v", got)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestNoFlagsAreEmpty(t *testing.T) {
	if got := start(t, plugintest.Native).Do(plugintest.Get("/")); got.Flags != "" {
		t.Errorf("flags %q of a request that went well", got.Flags)
	}
}
