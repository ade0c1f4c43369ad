//go:build !wasip1

package wrapper_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// FuzzMarshalStr holds that MarshalStr is what encoding/json puts between quotes, and that UnmarshalStr is its reverse.
func FuzzMarshalStr(f *testing.F) {
	for _, s := range []string{"", `{"a":"b\\"}`, "\x00\b\f\n\r\t\x1f\x7f", "<&>", "é\u2028\u2029\U0001f600", "\xff\xc3", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<12 {
			t.Skip("long")
		}
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got := wrapper.MarshalStr(s)
		if `"`+got+`"` != string(want) {
			t.Fatalf("MarshalStr(%q) = %s, want %s", s, got, want)
		}
		var decoded string
		if err := json.Unmarshal(want, &decoded); err != nil {
			t.Fatal(err)
		}
		if back := wrapper.UnmarshalStr(`"` + got + `"`); back != decoded {
			t.Fatalf("UnmarshalStr = %q, want %q", back, decoded)
		}
	})
}

func TestUnmarshalStr(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a string":         {`"a\n\"b\""`, "a\n\"b\""},
		"white space":      {" \"a\"\n", "a"},
		"no quotes":        {`a`, ""},
		"a number":         {`1`, ""},
		"nothing":          {``, ""},
		"a quote too many": {`"a"b"`, ""},
		"not UTF-8":        {"\"\xff\"", "\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			withContext(t, nil, func(h *harness, _ wrapper.HttpContext) {
				if got := wrapper.UnmarshalStr(tc.text); got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				if logged := len(h.Logs) > 0; logged != (tc.want == "") {
					t.Errorf("log %q", h.Logs)
				}
			})
		})
	}
}

func TestUnifySSEChunk(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a\nb\n": "a\nb\n", "a\r\nb\r\n\r\n": "a\nb\n\n", "a\rb\r\r": "a\nb\n\n", "\r\n\r": "\n\n", "\n\r": "\n\n",
	} {
		data := []byte(in)
		if got := string(wrapper.UnifySSEChunk(data)); got != want || string(data) != in {
			t.Errorf("%q becomes %q, want %q; the chunk is now %q", in, got, want, data)
		}
	}
}

func TestGetValueFromBody(t *testing.T) {
	for name, tc := range map[string]struct {
		body  string
		paths []string
		want  string // "" is nil
	}{
		"the first that leads somewhere": {`{"a":1,"b":{"c":"x"}}`, []string{"z", "b.c", "a"}, `"x"`},
		"null is somewhere":              {`{"a":null}`, []string{"a"}, `null`},
		"none":                           {`{"a":1}`, []string{"b"}, ""},
		"no paths":                       {`{"a":1}`, nil, ""},
		"an event":                       {"data: {\"a\": [1,2]}\n\n", []string{"a.1"}, `2`},
		"cut short":                      {`{"a":1,"b":{"c":`, []string{"a"}, `1`},
		"an array":                       {` [1,{"a":2}]`, []string{"1.a"}, `2`},
		"nothing":                        {``, []string{"a"}, ""},
		"no JSON":                        {`text`, []string{"a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := wrapper.GetValueFromBody[gjson.Result]([]byte(tc.body), tc.paths)
			if raw := rawOf(got); raw != tc.want {
				t.Errorf("got %s, want %s", raw, tc.want)
			}
		})
	}
}

func rawOf(r *gjson.Result) string {
	if r == nil {
		return ""
	}
	return r.Raw
}

func TestRequestFunctions(t *testing.T) {
	withContext(t, nil, func(h *harness, _ wrapper.HttpContext) {
		h.Headers[abi.MapHTTPRequestHeaders][3][1] = "/a%20b/%2F?c=%20"
		got := []string{wrapper.GetRequestScheme(), wrapper.GetRequestHost(), wrapper.GetRequestPath(), wrapper.GetRequestMethod(),
			wrapper.GetRequestPathWithoutQuery()}
		if want := []string{"https", "example.com:8443", "/a%20b/%2F?c=%20", "POST", "/a b//"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if len(h.Logs) != 0 {
			t.Errorf("log %q", h.Logs)
		}
	})
}

func TestRequestFunctionsWithoutHeaders(t *testing.T) {
	withContext(t, nil, func(h *harness, _ wrapper.HttpContext) {
		delete(h.Headers, abi.MapHTTPRequestHeaders)
		for name, f := range map[string]func() string{
			"scheme": wrapper.GetRequestScheme, "host": wrapper.GetRequestHost, "path": wrapper.GetRequestPath,
			"method": wrapper.GetRequestMethod, "path without query": wrapper.GetRequestPathWithoutQuery,
		} {
			h.Logs = nil
			if got := f(); got != "" || len(h.Logs) == 0 {
				t.Errorf("%s: %q, log %q", name, got, h.Logs)
			}
		}
		if wrapper.HasRequestBody() || wrapper.IsWebsocket() || wrapper.IsBinaryRequestBody() || wrapper.IsResponseFromUpstream() {
			t.Error("headers that are not there say something")
		}
	})
}

func TestBadlyEncodedPath(t *testing.T) {
	for _, path := range []string{"/%", "/%2", "/%zz", "/a%f"} {
		t.Run(path, func(t *testing.T) {
			withContext(t, nil, func(h *harness, _ wrapper.HttpContext) {
				h.Headers[abi.MapHTTPRequestHeaders][3][1] = path
				if got := wrapper.GetRequestPathWithoutQuery(); got != "" || len(h.Logs) != 1 {
					t.Errorf("%q, log %q", got, h.Logs)
				}
			})
		})
	}
}

func TestHeaderGuesses(t *testing.T) {
	type guesses struct{ body, binary, websocket, json bool }
	for name, tc := range map[string]struct {
		headers [][2]string
		want    guesses
	}{
		"nothing":                     {nil, guesses{}},
		"a length":                    {[][2]string{{"content-length", "3"}}, guesses{body: true}},
		"no length, whatever it says": {[][2]string{{"content-length", "0"}, {"content-type", "application/json"}}, guesses{json: true}},
		"a type":                      {[][2]string{{"content-type", "Application/JSON; charset=utf-8"}}, guesses{body: true, json: true}},
		"chunks":                      {[][2]string{{"transfer-encoding", "gzip, Chunked"}}, guesses{body: true}},
		"a length that is none":       {[][2]string{{"content-length", "x"}}, guesses{}},
		"compressed":                  {[][2]string{{"content-encoding", "br"}}, guesses{binary: true}},
		"octets":                      {[][2]string{{"content-type", "application/octet-stream"}}, guesses{body: true, binary: true}},
		"a websocket":                 {[][2]string{{"connection", "keep-alive, Upgrade"}, {"upgrade", "WebSocket"}}, guesses{websocket: true}},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, ``,
				onRequest(func(wrapper.HttpContext) types.Action {
					got := guesses{wrapper.HasRequestBody(), wrapper.IsBinaryRequestBody(), wrapper.IsWebsocket(), tc.want.json}
					if got != tc.want {
						t.Errorf("request: %+v, want %+v", got, tc.want)
					}
					return types.HeaderContinue
				}),
				onResponse(func(wrapper.HttpContext) types.Action {
					got := guesses{wrapper.HasResponseBody(), wrapper.IsBinaryResponseBody(), tc.want.websocket, wrapper.IsApplicationJson()}
					if got != tc.want {
						t.Errorf("response: %+v, want %+v", got, tc.want)
					}
					return types.HeaderContinue
				}))
			h.Headers[abi.MapHTTPRequestHeaders], h.Headers[abi.MapHTTPResponseHeaders] = tc.headers, tc.headers
			h.request().sendHeaders(true, 0)
			h.response().sendHeaders(true, 0)
		})
	}
}

func TestIsResponseFromUpstream(t *testing.T) {
	for details, want := range map[string]bool{"via_upstream": true, "route_not_found": false} {
		t.Run(details, func(t *testing.T) {
			withContext(t, map[string]string{"response.code_details": details}, func(*harness, wrapper.HttpContext) {
				if got := wrapper.IsResponseFromUpstream(); got != want {
					t.Errorf("%v, want %v", got, want)
				}
			})
		})
	}
}
