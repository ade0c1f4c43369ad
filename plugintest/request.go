package plugintest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Request is a request that a test sends. It is made by [Get], [Post] or [NewRequest] and completed by its methods, which
// change it and return it. What is sent is what is said here, with a host ("example.com" unless said otherwise), a
// x-request-id and the body's framing added; a request may be sent more than once.
type Request struct {
	method, target string
	fields         []field
	trailers       []field
	// pieces are the body. chunked says that each is sent as a chunk, else their length is sent in advance; nil is no
	// body.
	pieces  []string
	chunked bool
	http2   bool
}

type field struct{ name, value string }

// NewRequest makes a request. target is sent as it is: a path with or without a query.
func NewRequest(method, target string) *Request { return &Request{method: method, target: target} }

// Get makes a GET request.
func Get(target string) *Request { return NewRequest(http.MethodGet, target) }

// Post makes a POST request.
func Post(target string) *Request { return NewRequest(http.MethodPost, target) }

// Header adds a header, in this order and this spelling.
func (r *Request) Header(name, value string) *Request {
	r.fields = append(r.fields, field{name, value})
	return r
}

// Trailer adds a trailer, and has the body sent in chunks. The gateway passes trailers on only with [Trailers].
func (r *Request) Trailer(name, value string) *Request {
	r.trailers = append(r.trailers, field{name, value})
	r.chunked = true
	return r
}

// Body sets the body. It is sent with its length in advance, 0 for an empty one. [Plugin.Stream] sends no body itself.
func (r *Request) Body(body string) *Request {
	r.pieces, r.chunked = []string{body}, len(r.trailers) > 0
	return r
}

// JSON is Body with the content type application/json.
func (r *Request) JSON(body string) *Request {
	return r.Header("Content-Type", "application/json").Body(body)
}

// Chunks sets the body and has it sent in chunks, one for each piece that is not empty; without any, an empty body of
// unknown length. How they arrive is the network's affair: a gateway may read two at once, or half of one.
func (r *Request) Chunks(pieces ...string) *Request {
	r.pieces, r.chunked = pieces, true
	return r
}

// HTTP2 has the request sent by HTTP/2, with prior knowledge, on a connection of its own. Headers go in net/http's order,
// and those that HTTP/2 has no place for (Connection, Transfer-Encoding) not at all.
func (r *Request) HTTP2() *Request {
	r.http2 = true
	return r
}

// length returns the length of the body that is announced, ok false for none.
func (r *Request) length() (n int64, ok bool) {
	if said := r.get("Content-Length"); said != "" {
		n, err := strconv.ParseInt(said, 10, 64)
		return n, err == nil
	}
	if r.pieces == nil || r.isChunked() {
		return 0, false
	}
	return int64(len(strings.Join(r.pieces, ""))), true
}

// get returns the first value of a header, "" if there is none.
func (r *Request) get(name string) string {
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// head returns the request's first lines as they are sent, with a length or a transfer encoding for a body. withBody
// says that one follows, whether or not the request has one of its own.
func (r *Request) head(id string, withBody bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	add := func(name, value string) {
		if r.get(name) == "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	add("Host", "example.com")
	for _, f := range r.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	add("X-Request-Id", id)
	for _, f := range r.trailers {
		fmt.Fprintf(&b, "Trailer: %s\r\n", f.name)
	}
	switch {
	case r.isChunked():
		add("Transfer-Encoding", "chunked")
	case r.pieces != nil:
		add("Content-Length", strconv.Itoa(len(strings.Join(r.pieces, ""))))
	case withBody && r.get("Content-Length") == "":
		add("Transfer-Encoding", "chunked")
	}
	b.WriteString("\r\n")
	return b.String()
}

// isChunked reports whether a body is sent in chunks for certain.
func (r *Request) isChunked() bool { return r.chunked || r.get("Transfer-Encoding") != "" }

// chunk returns data as it is sent.
func chunk(data string, chunked bool) string {
	if !chunked || data == "" {
		return data
	}
	return fmt.Sprintf("%x\r\n%s\r\n", len(data), data)
}

// lastChunk returns what ends a body.
func lastChunk(trailers []field, chunked bool) string {
	if !chunked {
		return ""
	}
	var b strings.Builder
	b.WriteString("0\r\n")
	for _, f := range trailers {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	b.WriteString("\r\n")
	return b.String()
}
