package gateway

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// TestHeadersEditedAfterInject has a plugin go on editing response headers that its data has taken along to the client:
// the race detector must find nothing, and the response must end.
func TestHeadersEditedAfterInject(t *testing.T) {
	var mu sync.Mutex
	ids := map[uint32]bool{}
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { h.SetTickPeriod(1) },
		responseHeaders: func(_ abi.Host, id uint32, _ bool) abi.Action {
			mu.Lock()
			defer mu.Unlock()
			ids[id] = true
			return abi.HeaderStopIteration
		},
		tick: func(h abi.Host) {
			mu.Lock()
			defer mu.Unlock()
			for id := range ids {
				if h.SetEffectiveContext(id) != abi.StatusOK {
					continue
				}
				h.InjectEncodedData([]byte("x"), false)
				for i := range 20 {
					h.ReplaceHeaderMapValue(abi.MapHTTPResponseHeaders, fmt.Append(nil, "k", i), []byte(strings.Repeat("v", i+1)))
				}
			}
		},
		responseBody: func(_ abi.Host, id, _ uint32, end bool) abi.Action {
			if !end {
				return abi.DataStopIterationNoBuffer
			}
			mu.Lock()
			defer mu.Unlock()
			delete(ids, id)
			return abi.DataContinue
		},
	}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 5 {
			_, _ = io.WriteString(w, "hello")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond) // some ticks
		}
	}), []*funcPlugin{p}, nil)
	c := client(t)
	for range 10 {
		resp, err := c.Get(g.url + "/")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || strings.Trim(string(b), "x") != "" {
			t.Errorf("%q %v", b, err)
		}
	}
}

// TestInjectThenContinue has a plugin inject in its header callback and let the headers go on: they do not go through
// the next filter and to the client twice, and the upstream's body follows.
func TestInjectThenContinue(t *testing.T) {
	var calls atomic.Int32
	next := &funcPlugin{responseHeaders: func(abi.Host, uint32, bool) abi.Action {
		calls.Add(1)
		return abi.HeaderContinue
	}}
	p := &funcPlugin{responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.RemoveHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("content-length"))
		h.InjectEncodedData([]byte("first "), false)
		return abi.HeaderContinue
	}}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}), []*funcPlugin{next, p}, nil)
	resp, err := client(t).Get(g.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "first hello" || calls.Load() != 1 {
		t.Errorf("%q %v; the next filter saw the headers %d times", b, err, calls.Load())
	}
}

// TestInjectOnHeadersAlone checks that what a plugin injects into a response without a body reaches the client at once.
func TestInjectOnHeadersAlone(t *testing.T) {
	for _, action := range []abi.Action{abi.HeaderContinue, abi.HeaderStopIteration} {
		p := &funcPlugin{responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
			h.RemoveHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("content-length"))
			h.InjectEncodedData([]byte("first"), false)
			return action
		}}
		g := startGateway(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), []*funcPlugin{p}, nil)
		resp, err := client(t).Get(g.url + "/")
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "first" {
			t.Errorf("%v: %q %v", action, b, err)
		}
		resp.Body.Close()
	}
}

// TestInjectedEndHeld checks that the end of a response, injected by a plugin while a filter after it collects, reaches
// the client when that filter resumes.
func TestInjectedEndHeld(t *testing.T) {
	next := &funcPlugin{}
	held := resumeFromTick(next, abi.StreamHTTPResponse, always)
	next.responseBody = func(_ abi.Host, id, _ uint32, end bool) abi.Action {
		if end {
			held.Store(id)
		}
		return abi.DataStopIterationAndBuffer
	}
	p := &funcPlugin{responseBody: func(h abi.Host, _, _ uint32, end bool) abi.Action {
		if !end {
			h.InjectEncodedData([]byte("all"), true)
		}
		return abi.DataStopIterationNoBuffer
	}}
	release := make(chan struct{})
	defer close(release)
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		select { // the upstream itself does not end
		case <-release:
		case <-r.Context().Done():
		}
	}), []*funcPlugin{next, p}, nil)
	resp, err := client(t).Get(g.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "all" {
		t.Errorf("%q %v", b, err)
	}
}

// TestTrailersAddedWhileHeld has a plugin add trailers to a body that it holds to its end: they go on after the body,
// when the plugin resumes.
func TestTrailersAddedWhileHeld(t *testing.T) {
	for _, response := range []bool{false, true} {
		t.Run(fmt.Sprintf("response=%v", response), func(t *testing.T) {
			p := &funcPlugin{}
			trailers, s := abi.MapHTTPRequestTrailers, abi.StreamHTTPRequest
			callback := &p.requestBody
			if response {
				trailers, s, callback = abi.MapHTTPResponseTrailers, abi.StreamHTTPResponse, &p.responseBody
			}
			held := resumeFromTick(p, s, always)
			*callback = func(h abi.Host, id, _ uint32, end bool) abi.Action {
				if end {
					h.AddHeaderMapValue(trailers, []byte("x-sum"), []byte("1"))
					held.Store(id)
				}
				return abi.DataStopIterationAndBuffer
			}
			g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				_ = http.NewResponseController(w).Flush()
				fmt.Fprintf(w, "%s %v %s", b, err, r.Trailer.Get("X-Sum"))
			}), []*funcPlugin{p}, func(c *Config) { c.Listeners[0].HTTP.EnableTrailers, c.Clusters[0].EnableTrailers = true, true })
			resp, err := client(t).Post(g.url+"/", "", io.MultiReader(strings.NewReader("hello")))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			want := "hello <nil> 1"
			if response {
				want = "hello <nil> "
			}
			if err != nil || string(b) != want || response && resp.Trailer.Get("X-Sum") != "1" {
				t.Errorf("%q %v %v", b, err, resp.Trailer)
			}
		})
	}
}

// TestLocalReplyStatus has a plugin answer with statuses that cannot be sent, or that allow no body.
func TestLocalReplyStatus(t *testing.T) {
	tests := []struct {
		code uint32
		want int
		body string
	}{
		{0, 502, "missing required header: :status"},
		{99, 502, "missing required header: :status"},
		{1000, 502, "missing required header: :status"},
		{100, 502, "body"},
		{101, 502, "body"},
		{204, 204, ""},
		{304, 304, ""},
	}
	for _, tt := range tests {
		for _, phase := range []string{"request", "response"} {
			t.Run(fmt.Sprintf("%d/%s", tt.code, phase), func(t *testing.T) {
				reply := func(h abi.Host, _ uint32, _ bool) abi.Action {
					h.SendLocalResponse(tt.code, nil, []byte("body"), nil, -1)
					return abi.HeaderStopIteration
				}
				p := &funcPlugin{requestHeaders: reply}
				if phase == "response" {
					p = &funcPlugin{responseHeaders: reply}
				}
				wantAnswers(t, startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil), tt.want, tt.body)
			})
		}
	}
}

// TestStatusWithoutBody has a plugin give a response with a body a status that allows none.
func TestStatusWithoutBody(t *testing.T) {
	for _, status := range []int{204, 304} {
		p := &funcPlugin{responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
			h.ReplaceHeaderMapValue(abi.MapHTTPResponseHeaders, []byte(":status"), fmt.Append(nil, status))
			return abi.HeaderContinue
		}}
		wantAnswers(t, startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello")
		}), []*funcPlugin{p}, nil), status, "")
	}
}

// wantAnswers asks g twice on one connection.
func wantAnswers(t *testing.T, g *testGateway, status int, body string) {
	t.Helper()
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	got := g.raw(t, request+strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	line := fmt.Sprintf("HTTP/1.1 %d ", status)
	_, rest, _ := strings.Cut(got, "\r\n\r\n")
	second, ok := strings.CutPrefix(rest, body)
	_, last, _ := strings.Cut(second, "\r\n\r\n")
	if !strings.HasPrefix(got, line) || !ok || !strings.HasPrefix(second, line) || last != body {
		t.Errorf("got %q, want %d with %q, twice", got, status, body)
	}
}

// TestLocalReplyAfterMethodRewrite checks that the method which the client sent says whether a local reply has a body.
func TestLocalReplyAfterMethodRewrite(t *testing.T) {
	p := &funcPlugin{requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.ReplaceHeaderMapValue(abi.MapHTTPRequestHeaders, []byte(":method"), []byte("HEAD"))
		h.SendLocalResponse(403, nil, []byte("denied"), nil, -1)
		return abi.HeaderStopIteration
	}}
	wantAnswers(t, startGateway(t, http.NotFoundHandler(), []*funcPlugin{p}, nil), 403, "denied")
}

// TestBrokenRequestBody checks that a malformed body is answered, and told apart from a client that went away.
func TestBrokenRequestBody(t *testing.T) {
	for _, plugins := range [][]*funcPlugin{nil, {{}}} {
		t.Run(fmt.Sprintf("plugins=%d", len(plugins)), func(t *testing.T) {
			began := make(chan struct{}, 2)
			log := filepath.Join(t.TempDir(), "access.log")
			g := startGateway(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				began <- struct{}{}
				_, _ = io.Copy(io.Discard, r.Body)
			}), plugins, func(c *Config) {
				c.Listeners[0].HTTP.AccessLogs = []AccessLog{{Path: log, Format: "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"}}
			})
			wantLog := func(want string) {
				t.Helper()
				waitFor(t, want, func() bool {
					b, _ := os.ReadFile(log)
					return string(b) == want
				})
			}
			got := g.raw(t, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 400 ") {
				t.Errorf("got %q", got)
			}
			const malformed, vanished = "400 DPE http1.codec_error\n", "0 DC downstream_remote_disconnect\n"
			wantLog(malformed)
			for len(began) > 0 {
				<-began
			}
			c := g.send(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart")
			<-began
			c.Close()
			wantLog(malformed + vanished)
		})
	}
}

// TestUnreadBodyIsNoRequest checks that, where a request is answered before its body came, the rest of the body is not
// taken for a request.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	for _, code := range []uint32{403, 0} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			var requests atomic.Int32
			p := &funcPlugin{requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
				requests.Add(1)
				h.SendLocalResponse(code, nil, []byte("no"), nil, -1)
				return abi.HeaderStopIteration
			}}
			g := startGateway(t, http.NotFoundHandler(), []*funcPlugin{p}, nil)
			const rest = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
			c := g.send(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nhello", 5+len(rest)))
			waitFor(t, "the stream ends", func() bool { return p.deletes.Load() == 1 && g.streams.active.Load() == 0 })
			_, _ = io.WriteString(c, rest)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			b, err := io.ReadAll(c)
			if strings.Count(string(b), "HTTP/1.1 ") != 1 || !strings.Contains(string(b), "\r\nConnection: close\r\n") ||
				requests.Load() != 1 || os.IsTimeout(err) {
				t.Errorf("%q %v; the plugin saw %d requests", b, err, requests.Load())
			}
		})
	}
}

// TestResumeBeforeLaterPause checks that a resume which a plugin asked for before it paused again, but which is carried
// out after that, does not undo the later pause.
func TestResumeBeforeLaterPause(t *testing.T) {
	var held atomic.Uint32
	inFirst, ticking, collecting := make(chan struct{}), make(chan struct{}), make(chan struct{})
	// The first filter has the stream's turn while the second, which held the headers, resumes it from a tick.
	var enter, collect sync.Once
	first := &funcPlugin{requestBody: func(abi.Host, uint32, uint32, bool) abi.Action {
		enter.Do(func() { close(inFirst) })
		<-ticking
		return abi.DataContinue
	}}
	var whole string
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { h.SetTickPeriod(1) },
		requestHeaders: func(_ abi.Host, id uint32, _ bool) abi.Action {
			held.Store(id)
			return abi.HeaderStopIteration
		},
		tick: func(h abi.Host) {
			if held.Load() == 0 {
				return
			}
			<-inFirst
			close(ticking)
			h.SetEffectiveContext(held.Swap(0))
			h.ContinueStream(abi.StreamHTTPRequest)
		},
		requestBody: func(h abi.Host, _, size uint32, end bool) abi.Action {
			if !end {
				collect.Do(func() { close(collecting) })
				return abi.DataStopIterationAndBuffer
			}
			b, _ := h.GetBufferBytes(nil, abi.BufferHTTPRequestBody, 0, size)
			whole = string(b)
			return abi.DataContinue
		},
	}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{first, p}, nil)
	c := g.send(t, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhello")
	<-collecting
	_, _ = io.WriteString(c, "world")
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(b), "\r\n\r\nhelloworld") || whole != "helloworld" {
		t.Errorf("got %q %v; the plugin, which collects, saw %q", b, err, whole)
	}
}

func TestInjectOnHeadersAloneEnds(t *testing.T) {
	p := &funcPlugin{responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.RemoveHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("content-length"))
		h.InjectEncodedData([]byte("first"), false)
		return abi.HeaderContinue
	}}
	g := startGateway(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), []*funcPlugin{p}, nil)
	c := client(t)
	c.Timeout = 3 * time.Second
	resp, err := c.Get(g.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "first" {
		t.Errorf("%q %v", b, err)
	}
}
