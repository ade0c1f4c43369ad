package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/message"
)

// show writes a header list as one line.
func show(h *message.Headers) string {
	var s []string
	for k, v := range h.All() {
		s = append(s, "["+k+"="+v+"]")
	}
	return strings.Join(s, "")
}

// parse reads a request as net/http's server would.
func parse(t testing.TB, raw string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.7:1234"
	return r
}

// What filters see was observed with Envoy 1.40, but for the order of the fields, which net/http loses.
func TestRequestHeaders(t *testing.T) {
	const host = "Host: a.test\r\n"
	const pseudo = "[:authority=a.test][:path=/][:method=GET][:scheme=http]"
	edge := HTTPConnectionManager{UseRemoteAddress: true}
	for _, c := range []struct {
		name, raw string
		cfg       HTTPConnectionManager
		want      string
	}{
		{"plain", "GET /a%2Fb/../c//d?x=%20&y HTTP/1.1\r\n" + host + "\r\n", HTTPConnectionManager{},
			"[:authority=a.test][:path=/a%2Fb/../c//d?x=%20&y][:method=GET][:scheme=http][x-forwarded-proto=http]"},
		{"absolute form", "GET http://b.test:81/p?q HTTP/1.1\r\n" + host + "\r\n", HTTPConnectionManager{},
			"[:authority=b.test:81][:path=/p?q][:method=GET][:scheme=http][x-forwarded-proto=http]"},
		{"absolute form without a path", "GET http://b.test HTTP/1.1\r\n" + host + "\r\n", HTTPConnectionManager{},
			"[:authority=b.test][:path=/][:method=GET][:scheme=http][x-forwarded-proto=http]"},
		{"absolute form, query only", "GET http://b.test?q HTTP/1.1\r\n" + host + "\r\n", HTTPConnectionManager{},
			"[:authority=b.test][:path=/?q][:method=GET][:scheme=http][x-forwarded-proto=http]"},
		{"hop by hop", "GET / HTTP/1.1\r\n" + host + "Connection: close, x-foo\r\nX-Foo: 1\r\nKeep-Alive: 5\r\n" +
			"Proxy-Connection: keep-alive\r\nTE: trailers, gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n", HTTPConnectionManager{},
			pseudo + "[te=trailers][x-forwarded-proto=http]"},
		{"te of another kind", "GET / HTTP/1.1\r\n" + host + "TE: gzip\r\n\r\n", HTTPConnectionManager{},
			pseudo + "[x-forwarded-proto=http]"},
		{"length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", HTTPConnectionManager{},
			"[:authority=a.test][:path=/][:method=POST][:scheme=http][content-length=3][x-forwarded-proto=http]"},
		{"length nought", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", HTTPConnectionManager{},
			"[:authority=a.test][:path=/][:method=POST][:scheme=http][content-length=0][x-forwarded-proto=http]"},
		{"length cannot be nominated away", "POST / HTTP/1.1\r\n" + host + "Connection: content-length\r\nContent-Length: 3\r\n\r\nabc",
			HTTPConnectionManager{},
			"[:authority=a.test][:path=/][:method=POST][:scheme=http][content-length=3][x-forwarded-proto=http]"},
		{"chunked, trailers announced", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n0\r\n\r\n",
			HTTPConnectionManager{},
			"[:authority=a.test][:path=/][:method=POST][:scheme=http][trailer=x-t][x-forwarded-proto=http]"},
		{"several values", "GET / HTTP/1.1\r\n" + host + "X-A: 1\r\nX-B: 2\r\nX-a: 3\r\nAccept: a\r\nAccept: b\r\n" +
			"Cookie: a=1\r\nCookie: b=2\r\nX_under: 1\r\nX-Empty:\r\n\r\n", HTTPConnectionManager{},
			pseudo + "[accept=a,b][cookie=a=1][cookie=b=2][x-a=1][x-a=3][x-b=2][x-empty=][x_under=1][x-forwarded-proto=http]"},
		{"expect", "POST / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", HTTPConnectionManager{},
			"[:authority=a.test][:path=/][:method=POST][:scheme=http][content-length=3][x-forwarded-proto=http]"},
		{"connect", "CONNECT a.test:80 HTTP/1.1\r\n" + host + "\r\n", HTTPConnectionManager{},
			"[:authority=a.test:80][:method=CONNECT][:scheme=http][x-forwarded-proto=http]"},
		{"behind another proxy", "GET / HTTP/1.1\r\n" + host + "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n" +
			"X-Request-Id: abc\r\nx-envoy-foo: 1\r\nx-envoy-internal: true\r\n\r\n", HTTPConnectionManager{GenerateRequestID: true},
			"[:authority=a.test][:path=/][:method=GET][:scheme=https][x-envoy-foo=1][x-forwarded-for=1.2.3.4]" +
				"[x-request-id=abc][x-forwarded-proto=https]"},
		{"at the edge", "GET / HTTP/1.1\r\n" + host + "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n" +
			"X-Request-Id: abc\r\nx-envoy-original-path: /x\r\nx-envoy-external-address: 1.1.1.1\r\n\r\n", edge,
			pseudo + "[x-forwarded-for=1.2.3.4,192.0.2.7][x-request-id=abc][x-envoy-external-address=192.0.2.7][x-forwarded-proto=http]"},
		{"a scheme that is none", "GET / HTTP/1.1\r\n" + host + "X-Forwarded-Proto: ftp\r\n\r\n", HTTPConnectionManager{},
			pseudo + "[x-forwarded-proto=http]"},
		{"scheme overwritten", "GET / HTTP/1.1\r\n" + host + "\r\n", HTTPConnectionManager{SchemeOverwrite: "https"},
			"[:authority=a.test][:path=/][:method=GET][:scheme=https][x-forwarded-proto=http]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h message.Headers
			requestHeaders(&h, parse(t, c.raw), &c.cfg)
			if got := show(&h); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, c := range []struct {
		name, given string
		edge        bool
	}{{"none given", "", false}, {"one more", "", false}, {"an outsider's", "X-Request-Id: abc\r\n", true}} {
		var h message.Headers
		requestHeaders(&h, parse(t, "GET / HTTP/1.1\r\nHost: a\r\n"+c.given+"\r\n"),
			&HTTPConnectionManager{GenerateRequestID: true, UseRemoteAddress: c.edge})
		id := h.Value("x-request-id")
		if !uuid.MatchString(id) || seen[id] {
			t.Errorf("%s: %q", c.name, id)
		}
		seen[id] = true
	}
}

// The answers were observed with Envoy 1.40.
func TestRefusedRequest(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"plain", "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n", "0   "},
		{"connect", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "0   "},
		{"http/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "426 DPE low_version Upgrade Required"},
		{"https without TLS", "GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
			"403 DPE http1.https_url_on_plaintext_connection Forbidden"},
		{"fragment", "GET /a#f HTTP/1.1\r\nHost: a\r\n\r\n", "400  path_normalization_failed "},
		{"beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400 DPE http1.codec_error Bad Request"},
		{"star", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "404  absolute_path_rejected "},
		{"upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "403  upgrade_failed "},
		{"upgrade to h2c is ignored", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", "0   "},
		{"upgrade that connection does not name", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "0   "},
		{"host nominated", "GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n", "400  missing_host_header "},
		{"x-forwarded-for nominated", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Forwarded-For\r\n\r\n",
			"400 DPE http1.connection_header_rejected Bad Request"},
		{"pseudo header nominated", "GET / HTTP/1.1\r\nHost: a\r\nConnection: :path\r\n\r\n",
			"400 DPE http1.connection_header_rejected Bad Request"},
		{"others nominated", "GET / HTTP/1.1\r\nHost: a\r\nConnection: te, authorization\r\n\r\n", "0   "},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, flag, details, body := refusedRequest(parse(t, c.raw))
			if got := fmt.Sprintf("%d %s %s %s", status, flag, details, body); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// written returns what net/http sends for an upstream request made of h.
func written(t testing.TB, h *message.Headers, body io.ReadCloser) (string, error) {
	t.Helper()
	r := &http.Request{Header: http.Header{}}
	if err := applyRequestHeaders(r, h, false); err != nil {
		return "", err
	}
	r.URL.Host = "192.0.2.1:80"
	if r.Body = body; body == nil {
		r.ContentLength = 0
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Errorf("net/http refused what was let through: %v\n%s", err, show(h))
	}
	return b.String(), nil
}

func body(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

func TestApplyRequestHeaders(t *testing.T) {
	with := func(more ...string) *message.Headers {
		return message.NewHeaders(append([]string{":authority", "a.test", ":path", "/", ":method", "POST", ":scheme", "http"}, more...)...)
	}
	path := func(p string) *message.Headers {
		return message.NewHeaders(":authority", "a.test", ":path", p, ":method", "GET")
	}
	const head = "POST / HTTP/1.1\r\nHost: a.test\r\n"
	for _, c := range []struct {
		name string
		h    *message.Headers
		body io.ReadCloser
		want string
	}{
		{"nothing is added", path("/"), nil, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"names are in lower case", with("x-a", "1", "user-agent", "u", "x-a", "2", "accept", ""), nil,
			head + "Content-Length: 0\r\naccept: \r\nuser-agent: u\r\nx-a: 1\r\nx-a: 2\r\n\r\n"},
		{"length", with("content-length", "3"), body("abc"), head + "Content-Length: 3\r\n\r\nabc"},
		{"no length", with(), body("abc"), head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"no length on a GET", path("/"), body("abc"),
			"GET / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"length nought, but a body", with("content-length", "0"), body("abc"),
			head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		// Envoy sends on what a filter sets here; the connection to the upstream is not a filter's to steer.
		{"hop by hop", with("connection", "x-foo", "keep-alive", "5", "te", "trailers", "upgrade", "foo", "proxy-connection", "foo",
			"transfer-encoding", "gzip", "te", "gzip", "http2-settings", "x"), nil, head + "Content-Length: 0\r\nte: trailers\r\n\r\n"},
		{"a second host", with("host", "evil"), nil, head + "Content-Length: 0\r\n\r\n"},
		{"raw path", path("/a%2Fb/../%zz//c?x=%20&y=<>\"{}|^`\\;#f"), nil,
			"GET /a%2Fb/../%zz//c?x=%20&y=<>\"{}|^`\\;#f HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"path beyond ASCII", path("/\xc3\xa9\xff"), nil, "GET /\xc3\xa9\xff HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"two slashes", path("//evil.test/%2F?x"), nil, "GET //evil.test/%2F?x HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"two slashes, empty query", path("//x?"), nil, "GET //x? HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"two slashes, not to be encoded alike", path("//x/%zz"), nil, "GET http://a.test//x/%zz HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"star", message.NewHeaders(":authority", "a", ":path", "*", ":method", "OPTIONS"), nil, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := written(t, c.h, c.body)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestApplyRequestHeadersRefuses(t *testing.T) {
	with := func(more ...string) *message.Headers {
		return message.NewHeaders(append([]string{":authority", "a", ":path", "/", ":method", "GET"}, more...)...)
	}
	for _, c := range []struct {
		name string
		h    *message.Headers
		want string
	}{
		{"line break in a value", with("x-bad", "a\r\nx-inj: 1"), "invalid header value for: x-bad"},
		{"NUL in a value", with("x-bad", "a\x00"), "invalid header value for: x-bad"},
		{"space in a name", with("x bad", "a"), "invalid header name: x bad"},
		{"line break in a name", with("x\nbad", "a"), "invalid header name: x?bad"},
		{"colon in a name", with("x:y", "a"), "invalid header name: x:y"},
		{"empty name", with("", "a"), "invalid header name: "},
		{"line break in the path", message.NewHeaders(":path", "/a\r\nx: y", ":method", "GET"), "invalid header value for: :path"},
		{"space in the path", message.NewHeaders(":path", "/a b", ":method", "GET"), "invalid header value for: :path"},
		{"relative path", message.NewHeaders(":path", "a", ":method", "GET"), "invalid header value for: :path"},
		{"empty path", message.NewHeaders(":path", "", ":method", "GET"), "invalid header value for: :path"},
		{"no path", message.NewHeaders(":method", "GET"), "missing required header: :path"},
		{"no method", message.NewHeaders(":path", "/"), "missing required header: :method"},
		{"space in the method", message.NewHeaders(":path", "/", ":method", "G T"), "invalid header value for: :method"},
		{"slash in the authority", message.NewHeaders(":authority", "a/b", ":path", "/", ":method", "GET"),
			"invalid header value for: :authority"},
		{"length no number", with("content-length", "1x"), "invalid header value for: content-length"},
		{"length below nought", with("content-length", "-1"), "invalid header value for: content-length"},
		{"length with a sign", with("content-length", "+1"), "invalid header value for: content-length"},
		{"two lengths", with("content-length", "1", "content-length", "2"), "invalid header value for: content-length"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := applyRequestHeaders(&http.Request{Header: http.Header{}}, c.h, false)
			if err == nil || err.Error() != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if status, flag, _, b := upstreamFailure(err); status != 503 || flag != "DPE" || b != c.want {
				t.Errorf("answered %d %s %s", status, flag, b)
			}
		})
	}
}

// FuzzApplyRequestHeaders: whatever filters set, an upstream reads one request, with the method, path, authority and
// header that were set.
func FuzzApplyRequestHeaders(f *testing.F) {
	f.Add("GET", "/a%2Fb?c", "a.test", "x-h", "v")
	f.Add("GET", "//a/%zz", "a.test:80", "x-h", "a\r\nb: c")
	f.Add("G T", "/a HTTP/1.1\r\nHost: b\r\n\r\nGET /", "a b", "host", "b")
	f.Add("POST", "*", "", "content-length", "5")
	f.Add("POST", "/\x7f", "[::1]:8", "Transfer-Encoding", "chunked")
	f.Fuzz(func(t *testing.T, method, path, authority, name, value string) {
		h := message.NewHeaders(":authority", authority, ":path", path, ":method", method, name, value)
		got, err := written(t, h, nil)
		if err != nil {
			return
		}
		br := bufio.NewReader(strings.NewReader(got))
		line, _ := br.ReadString('\n')
		want := method + " " + path + " HTTP/1.1\r\n"
		if line != want && line != method+" http://"+authority+path+" HTTP/1.1\r\n" {
			t.Fatalf("request line %q, want %q", line, want)
		}
		hosts, lines := 0, 0
		for {
			line, err = br.ReadString('\n')
			if err != nil {
				t.Fatalf("the head does not end: %q", got)
			}
			if line == "\r\n" {
				break
			}
			lines++
			if strings.EqualFold(line[:strings.IndexByte(line, ':')], "host") {
				hosts++
			}
		}
		if hosts != 1 || lines > 3 {
			t.Fatalf("%d hosts in %d lines: %q", hosts, lines, got)
		}
		if rest, _ := io.ReadAll(br); len(rest) != 0 {
			t.Fatalf("after the head: %q", rest)
		}
	})
}

func BenchmarkRequestHeaders(b *testing.B) {
	r := parse(b, "GET /path?q HTTP/1.1\r\nHost: a.test\r\nUser-Agent: u\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"+
		"Cookie: a=b\r\nX-Custom: v\r\nConnection: keep-alive\r\n\r\n")
	cfg := &HTTPConnectionManager{GenerateRequestID: true}
	var h message.Headers
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		requestHeaders(&h, r, cfg)
		if err := applyRequestHeaders(&http.Request{Header: make(http.Header, h.Len())}, &h, false); err != nil {
			b.Fatal(err)
		}
	}
}
