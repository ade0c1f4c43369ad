// Package echo is an upstream that answers each request with what it received: the built-in upstream of `sluice run`,
// and a means of tests.
package echo

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// MaxBody bounds the bodies that are echoed, in bytes. A larger one is answered 413.
const MaxBody = 16 << 20

// Request is the answer, as JSON.
type Request struct {
	Method string `json:"method"`
	// Path is the request target with its query, as it was sent.
	Path string `json:"path"`
	// Host is the Host header, or :authority.
	Host string `json:"host"`
	// Protocol is HTTP/1.1 or HTTP/2.0.
	Protocol string `json:"protocol"`
	// Headers are the other headers, names in lower case, each with its values in their order.
	Headers map[string][]string `json:"headers"`
	// Body is the body where it is UTF-8, BodyBase64 where it is not.
	Body       string              `json:"body"`
	BodyBase64 string              `json:"body_base64,omitempty"`
	Trailers   map[string][]string `json:"trailers,omitempty"`
}

// Handler returns the upstream. It answers 200 with a [Request], indented; 400 where the body breaks off; 413 where it
// is larger than [MaxBody].
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		status := http.StatusBadRequest
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "echo: "+err.Error(), status)
		return
	}
	answer := Request{
		Method:   r.Method,
		Path:     r.RequestURI,
		Host:     r.Host,
		Protocol: r.Proto,
		Headers:  lowerCase(r.Header),
		Trailers: lowerCase(r.Trailer),
	}
	if utf8.Valid(body) {
		answer.Body = string(body)
	} else {
		answer.BodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(answer) // the client has gone away
}

func lowerCase(h http.Header) map[string][]string {
	lower := make(map[string][]string, len(h))
	for name, values := range h {
		lower[strings.ToLower(name)] = values
	}
	return lower
}
