package echo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHandlerAnswersTheRequest(t *testing.T) {
	server := httptest.NewServer(Handler())
	defer server.Close()
	for _, tt := range []struct {
		name, body, text, base64 string
	}{
		{"no body", "", "", ""},
		{"text", "größer <&>", "größer <&>", ""},
		{"bytes", "\xff\x00", "", "/wA="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest("PUT", server.URL+"/a%2Fb?c=d", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "a.example"
			req.Header = http.Header{"X-Two": {"1", "2"}, "User-Agent": {"test"}, "Accept-Encoding": {"identity"}}
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var got Request
			if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			delete(got.Headers, "content-length")
			want := Request{
				Method: "PUT", Path: "/a%2Fb?c=d", Host: "a.example", Protocol: "HTTP/1.1",
				Headers: map[string][]string{"x-two": {"1", "2"}, "user-agent": {"test"}, "accept-encoding": {"identity"}},
				Body:    tt.text, BodyBase64: tt.base64,
			}
			if !reflect.DeepEqual(got, want) || res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got %d %+v\nwant %+v", res.StatusCode, got, want)
			}
		})
	}
}

func TestHandlerAnswersTrailers(t *testing.T) {
	server := httptest.NewServer(Handler())
	defer server.Close()
	req, err := http.NewRequest("POST", server.URL, io.NopCloser(strings.NewReader("body")))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = http.Header{"X-Sum": {"1"}}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got Request
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Trailers["x-sum"] == nil || got.Body != "body" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHandlerRefusesBodies(t *testing.T) {
	for _, tt := range []struct {
		name string
		body io.Reader
		want int
	}{
		{"too large", io.LimitReader(zeros{}, MaxBody+1), http.StatusRequestEntityTooLarge},
		{"broken off", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("ab"))), http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler().ServeHTTP(w, httptest.NewRequest("POST", "/", tt.body))
			if w.Code != tt.want {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
