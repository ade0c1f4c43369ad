package tokenusage_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/tokenusage"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// stream is as much of a stream's context as the package uses.
type stream struct {
	wrapper.HttpContext
	values, attributes map[string]any
}

func newStream() *stream { return &stream{values: map[string]any{}, attributes: map[string]any{}} }

func (s *stream) SetContext(key string, value any)       { s.values[key] = value }
func (s *stream) GetContext(key string) any              { return s.values[key] }
func (s *stream) SetUserAttribute(key string, value any) { s.attributes[key] = value }
func (s *stream) GetUserAttribute(key string) any        { return s.attributes[key] }
func (s *stream) GetStringContext(key, otherwise string) string {
	if v, ok := s.values[key].(string); ok {
		return v
	}
	return otherwise
}

type counts = map[string]int64

func usage(model string, input, output, total int64) tokenusage.TokenUsage {
	return tokenusage.TokenUsage{
		Model: model, InputToken: input, OutputToken: output, TotalToken: total,
		InputTokenDetails: counts{}, OutputTokenDetails: counts{},
	}
}

var cases = map[string]struct {
	body  string
	setUp func(*stream)
	want  tokenusage.TokenUsage
}{
	"chat completion": {
		body: `{"id":"chatcmpl-1","model":"gpt-x","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":12,
			"completion_tokens":5,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},
			"completion_tokens_details":{"reasoning_tokens":3}}}`,
		want: func() tokenusage.TokenUsage {
			u := usage("gpt-x", 12, 5, 17)
			u.InputTokenDetails = counts{"cached_tokens": 4, "audio_tokens": 0}
			u.OutputTokenDetails = counts{"reasoning_tokens": 3}
			return u
		}(),
	},
	"no total": {
		body: `{"model":"m","usage":{"prompt_tokens":1,"completion_tokens":2}}`,
		want: usage("m", 1, 2, 3),
	},
	"chat events": {
		body: `data: {"model":"gpt-x","choices":[{"delta":{"content":"h"}}],"usage":null}` + "\n\n" +
			`data: {"model":"gpt-x","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}` + "\n\n" +
			"data: [DONE]\n\n",
		want: usage("gpt-x", 7, 2, 9),
	},
	"chat events with CR LF": {
		body: `data: {"model":"gpt-x","usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}` + "\r\n\r\ndata: [DONE]\r\n\r\n",
		want: usage("gpt-x", 7, 2, 9),
	},
	"an event over several lines": {
		body: "data: {\"model\":\"gpt-x\",\ndata: \"usage\":{\"prompt_tokens\":7,\ndata: \"completion_tokens\":2}}\n\n",
		want: usage("gpt-x", 7, 2, 9),
	},
	"responses": {
		body: "event: response.created\ndata: {\"response\":{\"id\":\"r\",\"model\":\"gpt-r\",\"usage\":null}}\n\n" +
			"event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"model\":\"gpt-r\",\"usage\":{" +
			"\"input_tokens\":36,\"input_tokens_details\":{\"cached_tokens\":1},\"output_tokens\":87,\"output_tokens_details\":" +
			"{\"reasoning_tokens\":6},\"total_tokens\":123}}}\n\n",
		want: func() tokenusage.TokenUsage {
			u := usage("gpt-r", 36, 87, 123)
			u.InputTokenDetails, u.OutputTokenDetails = counts{"cached_tokens": 1}, counts{"reasoning_tokens": 6}
			return u
		}(),
	},
	"images": {
		body:  `{"created":1,"data":[{"b64_json":"x"}],"usage":{"input_tokens":50,"output_tokens":50,"total_tokens":100,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}`,
		setUp: func(s *stream) { s.SetContext(tokenusage.CtxKeyRequestModel, "gpt-image") },
		want: func() tokenusage.TokenUsage {
			u := usage("gpt-image", 50, 50, 100)
			u.InputTokenDetails = counts{"text_tokens": 10, "image_tokens": 40}
			return u
		}(),
	},
	"doubao images": {
		body: `{"model":"doubao-seedream","usage":{"generated_images":2,"output_tokens":8000,"total_tokens":8000,"output_tokens_details":{"x":1}}}`,
		want: func() tokenusage.TokenUsage {
			u := usage("doubao-seedream", 0, 8000, 8000)
			u.OutputTokenDetails = counts{"x": 1, "generated_images": 2}
			return u
		}(),
	},
	"batches": {
		body: `{"body":{"model":"m"},"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`,
		want: usage("m", 1, 1, 2),
	},
	"anthropic": {
		body: `{"type":"message","model":"claude-x","usage":{"input_tokens":20,"output_tokens":30,"cache_creation_input_tokens":100,"cache_read_input_tokens":200}}`,
		want: func() tokenusage.TokenUsage {
			u := usage("claude-x", 20, 30, 350)
			u.AnthropicCacheCreationInputToken, u.AnthropicCacheReadInputToken = 100, 200
			u.InputTokenDetails = counts{"cache_creation_input_tokens": 100, "cache_read_input_tokens": 200}
			return u
		}(),
	},
	"anthropic events": {
		body: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n" +
			"event: ping\ndata: {\"type\":\"ping\"}\n\n" +
			"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n" +
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		want: usage("claude-x", 25, 15, 40),
	},
	"gemini": {
		body: `{"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":20,"totalTokenCount":95,
			"thoughtsTokenCount":60,"cachedContentTokenCount":4,"toolUsePromptTokenCount":5,
			"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}]},"modelVersion":"gemini-x","responseId":"r"}`,
		want: func() tokenusage.TokenUsage {
			u := usage("gemini-x", 10, 20, 95)
			u.InputTokenDetails = counts{"cached_content_token_count": 4, "tool_use_prompt_token_count": 5}
			u.OutputTokenDetails = counts{"thoughts_token_count": 60}
			return u
		}(),
	},
	"gemini events": {
		body: "data: {\"usageMetadata\":{\"promptTokenCount\":10,\"totalTokenCount\":10},\"modelVersion\":\"gemini-x\"}\r\n\r\n" +
			"data: {\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":2,\"totalTokenCount\":12},\"modelVersion\":\"gemini-x\"}\r\n\r\n",
		want: usage("gemini-x", 10, 2, 12),
	},
	"nobody says the model": {
		body: `{"usage":{"prompt_tokens":1,"total_tokens":1}}`,
		want: usage("unknown", 1, 0, 1),
	},
	"an empty model": {
		body:  `{"model":"","usage":{"prompt_tokens":1,"total_tokens":1}}`,
		setUp: func(s *stream) { s.SetUserAttribute(tokenusage.CtxKeyModel, "earlier") },
		want:  usage("earlier", 1, 0, 1),
	},
	"lies": {
		body: `{"model":"m","usage":{"prompt_tokens":-5,"completion_tokens":"x","total_tokens":-1,"prompt_tokens_details":{"a":-1}}}`,
		want: func() tokenusage.TokenUsage {
			u := usage("m", 0, 0, 0)
			u.InputTokenDetails = counts{"a": 0}
			return u
		}(),
	},
	"absurd": {
		body: `{"model":"m","usage":{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807}}`,
		want: usage("m", 1<<60, 1<<60, 1<<61),
	},
	"no usage":  {body: `{"model":"m","choices":[]}`, want: usage("", 0, 0, 0)},
	"no JSON":   {body: `"usage"`, want: usage("unknown", 0, 0, 0)},
	"nothing":   {body: "", want: usage("", 0, 0, 0)},
	"cut short": {body: `{"model":"m","usage":{"prompt_to`, want: usage("m", 0, 0, 0)},
}

func check(t *testing.T, s *stream, got, want tokenusage.TokenUsage) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("usage %+v, want %+v", got, want)
	}
	if want.Model == "" {
		if len(s.attributes) != 0 {
			t.Errorf("attributes %v", s.attributes)
		}
		return
	}
	attributes := map[string]any{
		"model": want.Model, "input_token": want.InputToken, "output_token": want.OutputToken, "total_token": want.TotalToken,
		"input_token_details": want.InputTokenDetails, "output_token_details": want.OutputTokenDetails,
	}
	if !reflect.DeepEqual(s.attributes, attributes) {
		t.Errorf("attributes %v, want %v", s.attributes, attributes)
	}
}

func TestGetTokenUsage(t *testing.T) {
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStream()
			if tc.setUp != nil {
				tc.setUp(s)
			}
			check(t, s, tokenusage.GetTokenUsage(s, []byte(tc.body)), tc.want)
		})
	}
}

// What comes in pieces adds up to the same attributes, wherever it is cut, with the empty line at the end or without it;
// no event counts twice.
func TestGetTokenUsageOfPieces(t *testing.T) {
	for name, tc := range cases {
		if !strings.Contains(name, "events") && name != "responses" && name != "an event over several lines" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			// How often usage is reported must not depend on the cut: plugins may add up what they are told.
			reports := strings.Count(tc.body, `"usage":{`) + strings.Count(tc.body, `"usageMetadata":{`)
			for _, body := range []string{tc.body, strings.TrimRight(tc.body, "\r\n")} {
				for i := 1; i < len(body); i++ {
					s := newStream()
					var last tokenusage.TokenUsage
					told := 0
					for _, chunk := range [][]byte{[]byte(body[:i]), []byte(body[i:])} {
						if u := tokenusage.GetTokenUsage(s, chunk); u.TotalToken > 0 {
							last = u
							told++
						}
						clear(chunk)
					}
					if !maps.Equal(last.InputTokenDetails, tc.want.InputTokenDetails) || last.TotalToken != tc.want.TotalToken ||
						last.InputToken != tc.want.InputToken || last.OutputToken != tc.want.OutputToken || last.Model != tc.want.Model {
						t.Fatalf("cut at %d of %q: %+v, want %+v", i, body, last, tc.want)
					}
					if told > reports {
						t.Fatalf("cut at %d: usage was told %d times, there are %d events with it", i, told, reports)
					}
				}
			}
		})
	}
}

// Where no event ends in an empty line, the next one does not hide behind it.
func TestEventsWithoutEnd(t *testing.T) {
	for name, first := range map[string]string{
		"with usage":    `data: {"model":"m","usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}`,
		"without usage": `data: {"model":"m","choices":[{"text":"}"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream()
			tokenusage.GetTokenUsage(s, []byte(first))
			got := tokenusage.GetTokenUsage(s, []byte(`data: {"model":"m","usage":{"prompt_tokens":5,"completion_tokens":8,"total_tokens":13}}`))
			check(t, s, got, usage("m", 5, 8, 13))
		})
	}
}

func TestStreamReadFromItsMiddle(t *testing.T) {
	s := newStream()
	body := `"half of an event"}` + "\n\ndata: {\"model\":\"m\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"
	check(t, s, tokenusage.GetTokenUsage(s, []byte(body)), usage("m", 1, 1, 2))
}

func TestEventTooLarge(t *testing.T) {
	s := newStream()
	chunk := []byte("data: " + strings.Repeat("x", 1<<20))
	for range 5 {
		if u := tokenusage.GetTokenUsage(s, chunk); u.TotalToken != 0 {
			t.Fatalf("usage %+v", u)
		}
	}
	u := tokenusage.GetTokenUsage(s, []byte("\n\ndata: {\"model\":\"m\",\"usage\":{\"total_tokens\":3}}\n\n"))
	if u.TotalToken != 3 {
		t.Fatalf("usage after it: %+v", u)
	}
}

func TestExtract(t *testing.T) {
	s := newStream()
	for body, want := range map[string]string{
		`{"id":"chatcmpl-1"}`:                                  "chatcmpl-1",
		"data: {\"response\":{\"id\":\"resp_1\"}}":             "resp_1",
		`{"responseId":"g1"}`:                                  "g1",
		"event: x\ndata: {\"message\":{\"id\":\"msg_1\"}}\n\n": "msg_1",
	} {
		if tokenusage.ExtractChatId(s, []byte(body)); s.attributes[tokenusage.CtxKeyChatId] != want {
			t.Errorf("%s: chat %v, want %s", body, s.attributes[tokenusage.CtxKeyChatId], want)
		}
	}
	before := s.attributes[tokenusage.CtxKeyChatId]
	if tokenusage.ExtractChatId(s, []byte(`{}`)); s.attributes[tokenusage.CtxKeyChatId] != before {
		t.Error("a body without an id changes it")
	}
	// A TokenUsage that the caller made has no maps.
	var u tokenusage.TokenUsage
	body := []byte(`{"usage":{"prompt_tokens_details":{"a":1},"completion_tokens_details":{"b":2},"generated_images":3}}`)
	tokenusage.ExtractInputTokenDetails(s, body, &u)
	tokenusage.ExtractOutputTokenDetails(s, body, &u)
	if !maps.Equal(u.InputTokenDetails, counts{"a": 1}) || !maps.Equal(u.OutputTokenDetails, counts{"b": 2, "generated_images": 3}) {
		t.Errorf("usage %+v", u)
	}
}

// FuzzGetTokenUsage: no body makes it panic, and no count is negative.
func FuzzGetTokenUsage(f *testing.F) {
	for _, tc := range cases {
		f.Add([]byte(tc.body), uint8(9))
	}
	f.Fuzz(func(t *testing.T, body []byte, cut uint8) {
		s := newStream()
		n := min(int(cut), len(body))
		for _, chunk := range [][]byte{body[:n], body[n:]} {
			u := tokenusage.GetTokenUsage(s, chunk)
			tokenusage.ExtractChatId(s, chunk)
			if u.InputToken < 0 || u.OutputToken < 0 {
				t.Fatalf("usage %+v", u)
			}
		}
	})
}
