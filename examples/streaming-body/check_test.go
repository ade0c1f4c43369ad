package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

const checked = `{"check_cluster": "checker"}`

// TestChecksWhatItSends goes step by step: a piece goes out when the service has said yes, and what came meanwhile goes
// to the service next, together.
func TestChecksWhatItSends(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(checked), plugintest.Backend("checker", nil))
		s := p.Stream(plugintest.Get("/"))
		up := s.Upstream()
		up.Respond(http.StatusOK, http.Header{"Content-Type": {"text/plain"}})
		if head := s.Head(); head.Status != http.StatusOK {
			t.Fatalf("status %d", head.Status)
		}
		up.Send("an old ")
		first := p.Callout()
		if first.Body != "an new " || first.Method != "POST" || first.Path != "/check" {
			t.Errorf("the service is asked %s %s %q", first.Method, first.Path, first.Body)
		}
		up.Send("text, ")
		up.Send("and more")
		first.Respond(http.StatusOK, nil, "")
		s.Expect("an new ")
		// However the two pieces came, all of them is checked before it goes out.
		for rest := "text, and more"; rest != ""; {
			call := p.Callout()
			if call.Body == "" || !strings.HasPrefix(rest, call.Body) {
				t.Fatalf("the service is asked about %q, want the beginning of %q", call.Body, rest)
			}
			call.Respond(http.StatusOK, nil, "")
			s.Expect(call.Body)
			rest = rest[len(call.Body):]
		}
		up.Close()
		s.ExpectEnd()
	})
}

func TestWithholds(t *testing.T) {
	refusesSecrets := plugintest.Backend("checker", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(body), "secret") {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	broken := plugintest.Backend("checker", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	long := strings.Repeat("0123456789abcdef", 1<<14) // 256 KiB
	tests := []struct {
		name    string
		service plugintest.Option
		answer  string
		want    string
	}{
		{"nothing", refusesSecrets, "an old answer", "an new answer"},
		{"a long answer", refusesSecrets, long, long},
		{"no body", refusesSecrets, "", ""},
		{"all of it", refusesSecrets, "a secret", "[withheld]"},
		{"what a broken service did not see", broken, "an answer", "[withheld]"},
		{"what no service sees", plugintest.Backend("another", nil), "an answer", "[withheld]"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.Config(checked), plugintest.BufferLimit(32<<10), tt.service, answer(tt.answer))
				got := p.Do(plugintest.Get("/"))
				if got.Status != http.StatusOK || got.Err != nil || got.Body != tt.want {
					t.Errorf("status %d (%s), %v, %.80q, want %.80q", got.Status, got.Details, got.Err, got.Body, tt.want)
				}
			})
		}
	})
}

// TestWithholdsTheRest: what was let pass has gone out, the rest does not, whatever the upstream still sends.
func TestWithholdsTheRest(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(checked), plugintest.Backend("checker", nil))
		s := p.Stream(plugintest.Get("/"))
		up := s.Upstream()
		up.Send("fine")
		p.Callout().Respond(http.StatusOK, nil, "")
		s.Expect("fine")
		up.Send("secret")
		p.Callout().Respond(http.StatusForbidden, nil, "")
		s.Expect("[withheld]")
		s.ExpectEnd()
		up.Send("more")
		up.Close()
		if calls := len(p.Callouts()); calls != 2 {
			t.Errorf("%d calls to the service, want 2", calls)
		}
	})
}

func TestChecksAnswersThatEndInTrailers(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(checked), plugintest.Trailers(), plugintest.Backend("checker", nil))
		s := p.Stream(plugintest.Get("/"))
		up := s.Upstream()
		up.Send("text")
		up.Trailer("X-Sum", "1")
		up.Close()
		p.Callout().Respond(http.StatusOK, nil, "")
		s.Expect("text")
		s.ExpectEnd()
	})
}
