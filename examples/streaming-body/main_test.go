package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// answer is an upstream that reads the request and answers with body, in chunks.
func answer(body string) plugintest.Option {
	return plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what a test wants of it, it asserts on what the kit recorded
		_, _ = io.WriteString(w, body)
	}))
}

func TestReplacesInBothDirections(t *testing.T) {
	filler := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	tests := []struct {
		name     string
		request  *plugintest.Request
		upstream string // the body that the upstream sees
	}{
		{"no body", plugintest.Get("/"), ""},
		{"empty", plugintest.Post("/").Body(""), ""},
		{"empty, in chunks", plugintest.Post("/").Chunks(), ""},
		{"nothing to replace", plugintest.Post("/").Body("a text"), "a text"},
		{"with a length", plugintest.Post("/").Body("old, older, oldest"), "new, newer, newest"},
		{"in chunks", plugintest.Post("/").Chunks("the old ", "and the ol", "der"), "the new and the newer"},
		{"a chunk for each byte", plugintest.Post("/").Chunks("o", "l", "d", "o", "l"), "newol"},
		{"larger than the buffer limit", plugintest.Post("/").Chunks(filler, "old", filler), filler + "new" + filler},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.BufferLimit(64<<10), answer("an old answer"))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != http.StatusOK || got.Upstream == nil {
					t.Fatalf("status %d (%s), %v", got.Status, got.Details, got.Err)
				}
				if got.Upstream.Body != tt.upstream {
					t.Errorf("%d bytes reach the upstream, want %d: %.60q", len(got.Upstream.Body), len(tt.upstream), got.Upstream.Body)
				}
				if got.Body != "an new answer" {
					t.Errorf("the client gets %q", got.Body)
				}
			})
		}
	})
}

func TestReplacesByTextOfAnotherLength(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.ConfigFile("config.yaml"))
		got := p.Do(plugintest.Post("/").Body("colourful colours"))
		if want := "colorful colors"; got.Upstream.Body != want || got.Body != want {
			t.Errorf("the upstream sees %q, the client %q, want %q", got.Upstream.Body, got.Body, want)
		}
		if got.Upstream.ContentLength != -1 {
			t.Errorf("the upstream is told the length %d of a body that was changed", got.Upstream.ContentLength)
		}
	})
}

// TestStreams holds that a chunk goes on before the next one has come, in both directions, and that only what may be the
// beginning of a word is held back.
func TestStreams(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		s := p.Stream(plugintest.Post("/upload"))
		s.Send("the old and the ol")
		up := s.Upstream()
		up.Expect("the new and the ")
		s.Send("d")
		up.Expect("new")
		s.Send("ol")
		s.CloseSend()
		up.Expect("ol")
		up.ExpectEnd()

		up.Respond(http.StatusCreated, http.Header{"Content-Type": {"text/plain"}})
		if head := s.Head(); head.Status != http.StatusCreated {
			t.Errorf("status %d", head.Status)
		}
		up.Send("old o")
		s.Expect("new ")
		up.Send("ld")
		s.Expect("new")
		up.Close()
		s.ExpectEnd()
	})
}

// TestAnswersWhileTheRequestArrives holds that neither direction waits for the other.
func TestAnswersWhileTheRequestArrives(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		s := p.Stream(plugintest.Post("/"))
		s.Send("one old ")
		up := s.Upstream()
		up.Expect("one new ")
		up.Send("answer to one; ")
		s.Expect("answer to one; ")
		s.Send("two old ")
		up.Expect("two new ")
		up.Send("answer to two; ")
		s.Expect("answer to two; ")
		s.CloseSend()
		up.ExpectEnd()
		up.Close()
		s.ExpectEnd()
	})
}

func TestClientAndUpstreamThatVanish(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		t.Run("client in mid-body", func(t *testing.T) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("half an old")
			up := s.Upstream()
			up.Expect("half an new")
			s.Cancel()
			up.Gone()
		})
		t.Run("upstream in mid-answer", func(t *testing.T) {
			s := p.Stream(plugintest.Get("/"))
			up := s.Upstream()
			up.Send("half an old answer")
			s.Expect("half an new answer")
			up.Reset()
			if got := s.Response(); got.Err == nil {
				t.Errorf("the client takes %q for the whole answer", got.Body)
			}
		})
		t.Run("upstream before its answer", func(t *testing.T) {
			s := p.Stream(plugintest.Get("/"))
			s.Upstream().Reset()
			if got := s.Response(); got.Status != http.StatusServiceUnavailable {
				t.Errorf("status %d, want 503", got.Status)
			}
		})
		if got := p.Do(plugintest.Post("/").Body("still old")); got.Body != "still new" {
			t.Errorf("afterwards: status %d, %q", got.Status, got.Body)
		}
	})
}

func TestRefusesAnEmptyWord(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		_, err := plugintest.TryStart(t, mode, plugintest.Config(`{"find": ""}`))
		if err == nil || !strings.Contains(err.Error(), "find must not be empty") {
			t.Errorf("starting says: %v", err)
		}
	})
}
