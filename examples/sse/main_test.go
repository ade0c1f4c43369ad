package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

const (
	first  = `data: {"id":"c1","model":"secret-model-7","system_fingerprint":"fp_1","choices":[{"delta":{"content":"Grüße, "}}]}` + "\n\n"
	second = `data: {"id":"c1","model":"secret-model-7","system_fingerprint":"fp_1","choices":[{"delta":{"content":"model"}}]}` + "\r\n\r\n"
	last   = `data: {"id":"c1","model":"secret-model-7","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15}}` + "\n\n"
	rest   = ": keep-alive\n\nevent: note\nx-unknown: y\r\n\ndata: [DONE]\n\n"

	gotFirst  = `data: {"id":"c1","model":"house-model","choices":[{"delta":{"content":"Grüße, "}}]}` + "\n\n"
	gotSecond = `data: {"id":"c1","model":"house-model","choices":[{"delta":{"content":"model"}}]}` + "\n\n"
	gotLast   = `data: {"id":"c1","model":"house-model","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15}}` + "\n\n"
)

// answer is an upstream that answers in pieces, each sent on its own.
func answer(contentType string, pieces func(r *http.Request) []string) plugintest.Option {
	return plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for _, p := range pieces(r) {
			_, _ = w.Write([]byte(p)) // what a test wants of it, it asserts on what the client got
			_ = http.NewResponseController(w).Flush()
		}
	}))
}

func TestChangesEvents(t *testing.T) {
	whole, want := first+second+last+rest, gotFirst+gotSecond+gotLast+rest
	cuts := map[string]func() []string{
		"at once":      func() []string { return []string{whole} },
		"by events":    func() []string { return []string{first, second, last, rest} },
		"byte by byte": func() []string { return bytewise(whole) },
		"in the middle of a character and of a line end": func() []string {
			char, end := strings.Index(whole, "ü")+1, strings.Index(whole, "\r\n")+1
			return []string{whole[:char], whole[char:end], whole[end:]}
		},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for name, cut := range cuts {
			t.Run(name, func(t *testing.T) {
				p := plugintest.Start(t, mode, answer("text/event-stream; charset=utf-8", func(*http.Request) []string { return cut() }))
				got := p.Do(plugintest.Post("/v1/chat/completions").Header("accept-encoding", "gzip").JSON(`{"stream": true}`))
				if got.Status != 200 || got.Body != want {
					t.Errorf("status %d, body\n%q, want\n%q", got.Status, got.Body, want)
				}
				if e := got.Upstream.Header.Get("accept-encoding"); e != "" {
					t.Errorf("the upstream may answer in %s", e)
				}
				logged := got.UserAttributes("custom_log")
				if logged["total_token"] != 15.0 || logged["input_token"] != 11.0 || logged["output_token"] != 4.0 || logged["model"] != "secret-model-7" {
					t.Errorf("access log %v", logged)
				}
			})
		}
	})
}

func bytewise(s string) []string {
	pieces := make([]string, 0, len(s))
	for i := range len(s) {
		pieces = append(pieces, s[i:i+1])
	}
	return pieces
}

// TestStreams holds that an event goes on when its end is there, and not later.
func TestStreams(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		s := p.Stream(plugintest.Get("/"))
		up := s.Upstream()
		up.Respond(200, http.Header{"Content-Type": {"text/event-stream"}})
		up.Send(first + second[:len(second)-4] + "\r\n")
		s.Expect(gotFirst)
		up.Send("\r") // the end is there, whatever follows
		s.Expect(gotSecond)
		up.Send("\n" + rest)
		s.Expect("\n" + rest)
		up.Send(strings.TrimSuffix(last, "\n")) // a server that does not end its last event
		up.Close()
		s.Expect(gotLast)
		s.ExpectEnd()
	})
}

func TestLeavesOthersAlone(t *testing.T) {
	body := `{"model":"secret-model-7","usage":{"total_tokens":15}}`
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, answer("application/json", func(*http.Request) []string { return []string{body} }))
		got := p.Do(plugintest.Get("/"))
		if got.Body != body || got.UserAttributes("custom_log") != nil {
			t.Errorf("body %q, access log %v", got.Body, got.UserAttributes("custom_log"))
		}
	})
}

func TestBoundsEvents(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(`{"max_event": 1000}`), answer("text/event-stream", func(*http.Request) []string {
			return []string{first, `data: {"model":"secret-model-7","x":"`, strings.Repeat("x", 600), strings.Repeat("x", 600), "\"}\n\n", second}
		}))
		got := p.Do(plugintest.Get("/"))
		want := gotFirst + "event: error\ndata: {\"error\":{\"message\":\"the answer cannot be passed on\"}}\n\n"
		if got.Body != want {
			t.Errorf("body %q, want %q", got.Body, want)
		}
	})
}

func TestConfigurations(t *testing.T) {
	tests := []struct {
		name   string
		config plugintest.Option
		want   string // what refuses it, "" if nothing does
	}{
		{"the file", plugintest.ConfigFile("config.yaml"), ""},
		{"no model", plugintest.Config(`{"model": ""}`), "model must not be empty"},
		{"no event", plugintest.Config(`{"max_event": 0}`), "max_event must be at least 1"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				_, err := plugintest.TryStart(t, mode, tt.config)
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("starting says: %v, want %q", err, tt.want)
				}
			})
		}
	})
}
