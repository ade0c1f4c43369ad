package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// framed says how a message's body was sent.
func framed(length int64, encoding []string, body bool) string {
	switch {
	case slices.Contains(encoding, "chunked"):
		return "chunked"
	case length >= 0 && body:
		return "content-length"
	case body:
		return "until close"
	}
	return "none"
}

// writeMessage writes what was seen of a message, below its first line.
func writeMessage(b *strings.Builder, header http.Header, framing string, body []byte, bodyErr error, trailer http.Header) {
	writeFields(b, "  ", header)
	fmt.Fprintf(b, "  framing: %s\n", framing)
	if bodyErr != nil {
		fmt.Fprintf(b, "  body is cut short\n")
	}
	if len(body) > 1000 {
		fmt.Fprintf(b, "  body: %d bytes, %q…\n", len(body), body[:40])
	} else {
		fmt.Fprintf(b, "  body: %q\n", body)
	}
	writeFields(b, "  trailer ", trailer)
}

// mayDiffer are headers whose values are a gateway's own, or the clock's. Whether they are there is compared.
var mayDiffer = map[string]string{
	"date": "<time>", "server": "<gateway>", "x-request-id": "<id>", "x-envoy-upstream-service-time": "<ms>",
}

func writeFields(b *strings.Builder, prefix string, h http.Header) {
	var lines []string
	for name, values := range h {
		name = strings.ToLower(name)
		for _, v := range values {
			if own, ok := mayDiffer[name]; ok {
				v = own
			}
			lines = append(lines, prefix+name+": "+v+"\n")
		}
	}
	// Stable: values of one name keep their order.
	slices.SortStableFunc(lines, func(x, y string) int {
		x, _, _ = strings.Cut(strings.TrimPrefix(x, prefix), ":")
		y, _, _ = strings.Cut(strings.TrimPrefix(y, prefix), ":")
		return strings.Compare(x, y)
	})
	for _, l := range lines {
		b.WriteString(l)
	}
}

// describeRequest reads a request's body and says all that was seen of it.
func describeRequest(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.RequestURI)
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	if r.ContentLength >= 0 && r.Header.Get("Content-Length") != "" {
		h.Set("Content-Length", r.Header.Get("Content-Length"))
	}
	has := r.ContentLength != 0 || len(body) > 0
	writeMessage(&b, h, framed(r.ContentLength, r.TransferEncoding, has), body, err, r.Trailer)
	return b.String()
}

// readResponse reads a response and says all that was seen of it.
func readResponse(br *bufio.Reader, method string) (text string, final bool, err error) {
	resp, err := http.ReadResponse(br, &http.Request{Method: method}) //nolint:bodyclose // it is the connection's
	if err != nil {
		return "", true, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", resp.StatusCode)
	if resp.StatusCode < 200 && resp.StatusCode != 101 {
		writeFields(&b, "  ", resp.Header)
		return b.String(), false, nil
	}
	body, bodyErr := io.ReadAll(resp.Body)
	has := resp.ContentLength != 0 || len(body) > 0
	framing := framed(resp.ContentLength, resp.TransferEncoding, has)
	if resp.ContentLength == 0 {
		framing = "content-length"
	}
	writeMessage(&b, resp.Header, framing, body, bodyErr, resp.Trailer)
	if resp.Close {
		b.WriteString("  and the connection ends\n")
	}
	return b.String(), true, nil
}

// ended reports whether an error of a read means that the other side has ended the connection.
func ended(err error) bool {
	var timeout interface{ Timeout() bool }
	return err != nil && !(errors.As(err, &timeout) && timeout.Timeout())
}
