package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// entry is an access log entry of fixed values.
type entry struct {
	request, response, trailer map[string]string
	code                       int
	details, flags             string
	host                       string
	route                      string
	state                      map[string]string
	responded                  bool
}

func (e *entry) requestHeader(name string) (string, bool)   { v, ok := e.request[name]; return v, ok }
func (e *entry) responseHeader(name string) (string, bool)  { v, ok := e.response[name]; return v, ok }
func (e *entry) responseTrailer(name string) (string, bool) { v, ok := e.trailer[name]; return v, ok }
func (e *entry) startTime() time.Time {
	return time.Date(2026, 11, 22, 21, 17, 22, 443_245_600, time.FixedZone("CET", 3600))
}
func (e *entry) duration() (time.Duration, bool)        { return 8900 * time.Microsecond, true }
func (e *entry) requestDuration() (time.Duration, bool) { return 0, true }
func (e *entry) responseDuration() (time.Duration, bool) {
	return 7 * time.Millisecond, e.responded
}
func (e *entry) protocol() string  { return "HTTP/1.1" }
func (e *entry) responseCode() int { return e.code }
func (e *entry) responseCodeDetails() (string, bool) {
	return e.details, e.details != ""
}
func (e *entry) responseFlags() string   { return e.flags }
func (e *entry) bytesReceived() int64    { return 3 }
func (e *entry) bytesSent() int64        { return 95 }
func (e *entry) upstreamHost() string    { return e.host }
func (e *entry) upstreamCluster() string { return "c" }
func (e *entry) upstreamTransportFailure() string {
	return transportFailureOf(e.details)
}
func (e *entry) routeName() string          { return e.route }
func (e *entry) connectionID() uint64       { return 4 }
func (e *entry) downstreamRemote() net.Addr { return textAddr("127.0.0.1:47756") }
func (e *entry) downstreamLocal() net.Addr  { return textAddr("[::1]:21201") }
func (e *entry) filterState(name string) ([]byte, bool) {
	v, ok := e.state[name]
	return []byte(v), ok
}

func testEntry() *entry {
	return &entry{
		request: map[string]string{":method": "GET", ":path": "/closebefore", "user-agent": "curl/7.88.1",
			"x-request-id": "9420de5e", ":authority": "127.0.0.1:21201", "x-q": `he said "x"`, "x-bytes": "a\xff\t\x01é"},
		response: map[string]string{"content-type": "text/plain"},
		trailer:  map[string]string{"grpc-status": "0"},
		code:     503, details: "upstream_reset_before_response_started{connection_termination}", flags: "UC",
		host: "127.0.0.1:21000", route: "r-closebefore", state: map[string]string{"wasm.ai_log": `{"a":"b"}`},
	}
}

func line(t *testing.T, cfg AccessLog, e accessLogEntry) string {
	t.Helper()
	f, err := compileAccessLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return string(f.appendLine(nil, e))
}

// The line is the one that Envoy 1.40 wrote for this request.
func TestDefaultAccessLog(t *testing.T) {
	const want = `[2026-11-22T20:17:22.443Z] "GET /closebefore HTTP/1.1" 503 UC 3 95 8 - "-" "curl/7.88.1" "9420de5e" ` +
		`"127.0.0.1:21201" "127.0.0.1:21000"` + "\n"
	if got := line(t, AccessLog{}, testEntry()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAccessLogOperators(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ format, want string }{
		{"", ""},
		{"plain 100%%", "plain 100%"},
		{"%RESPONSE_CODE%%RESPONSE_FLAGS%", "503UC"},
		{"%RESPONSE_CODE_DETAILS%", "upstream_reset_before_response_started{connection_termination}"},
		{"a%REQ(X-NOPE)%b", "a-b"},
		{"%REQ(X-NOPE?X-Q)%", `he said "x"`},
		{"%REQ(USER-AGENT):4%|%REQ(USER-AGENT):0%|%REQ(USER-AGENT):99%", "curl||curl/7.88.1"},
		{"%REQ(X-NOPE):0%", "-"},
		{"%RESP(Content-Type)% %RESP(x)%", "text/plain -"},
		{"%TRAILER(grpc-status)%", "0"},
		{"%DURATION% %REQUEST_DURATION% %RESPONSE_DURATION%", "8 0 -"},
		{"%BYTES_RECEIVED% %BYTES_SENT%", "3 95"},
		{"%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %ROUTE_NAME%", "127.0.0.1:21000 c r-closebefore"},
		{"%UPSTREAM_TRANSPORT_FAILURE_REASON%", "-"},
		{"%VIRTUAL_CLUSTER_NAME% %REQUESTED_SERVER_NAME%", "- -"},
		{"%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%", "127.0.0.1:47756 127.0.0.1 47756"},
		{"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%", "[::1]:21201 ::1 21201"},
		{"%CONNECTION_ID% %PROTOCOL% %HOSTNAME%", "4 HTTP/1.1 " + host},
		{"%FILTER_STATE(wasm.ai_log:PLAIN)%", `{"a":"b"}`},
		{"%FILTER_STATE(wasm.ai_log:PLAIN):2%", `{"`},
		{"%FILTER_STATE(wasm.ai_log)%", `"{\"a\":\"b\"}"`},
		{"%FILTER_STATE(nope:PLAIN):5%", "-"},
		// What Envoy 1.40 wrote for these conversions.
		{"%START_TIME(%Y/%m/%d %H:%M:%S.%3f %s.%6f %e %j %% %Z %z %T %F %E3S)%",
			"2026/11/22 20:17:22.443 1795378642.443245 22 326 % UTC +0000 20:17:22 2026-11-22 22.443"},
		{"%START_TIME(%f %1f %4f %9f %E*S %a %b %d %B %A %y %I %p %D %R)%",
			"443245600 4 4432 443245600 22.4432456 Sun Nov 22 November Sunday 26 08 PM 11/22/26 20:17"},
		{"%START_TIME%", "2026-11-22T20:17:22.443Z"},
	} {
		t.Run(c.format, func(t *testing.T) {
			parts, err := compileLogFormat(c.format)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(appendParts(nil, parts, testEntry())); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAccessLogFormatErrors(t *testing.T) {
	for _, c := range []struct{ format, want string }{
		{"ab %NOPE%", "at position 3: %NOPE%: this command operator is not known"},
		{"%PROTOCOL", "at position 0: %PROTOCOL: no % at its end"},
		{"100%", "at position 3: a % must begin a command operator"},
		{"% %", "a % must begin"},
		{"%REQ(X%", "%REQ: no ) after its ("},
		{"%REQ%", "() is not a header's name"},
		{"%REQ(a b)%", "(a b) is not a header's name"},
		{"%REQ(a?)%", "is not a header's name"},
		{"%REQ(a):x%", "the length after : must be a number"},
		{"%REQ(a):%", "must be a number"},
		{"%REQ(a):99999999999999999999%", "must be a number"},
		{"%PROTOCOL(x)%", "takes no parameters"},
		{"%FILTER_STATE(k:FIELD:x)%", `"FIELD:x" is not supported`},
		{"%FILTER_STATE%", "needs (KEY)"},
		{"%START_TIME(%Q)%", "%Q is not a conversion"},
		{"%START_TIME(%)%", "ends in %"},
		{"%START_TIME(%E3)%", "not a conversion"},
		{"%START_TIME(%3s)%", "not a conversion"},
	} {
		t.Run(c.format, func(t *testing.T) {
			_, err := compileAccessLog(AccessLog{Format: c.format})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	_, err := compileAccessLog(AccessLog{JSON: []AccessLogMember{{"m", "x%"}}})
	if err == nil || !strings.Contains(err.Error(), `member "m": at position 1`) {
		t.Errorf("got %v", err)
	}
}

// Types and order are those of Envoy 1.40.
func TestJSONAccessLog(t *testing.T) {
	got := line(t, AccessLog{JSON: []AccessLogMember{
		{"rx", "%BYTES_RECEIVED%"}, {"code", "%RESPONSE_CODE%"}, {"mixed", "c=%RESPONSE_CODE%"}, {"two", "%RESPONSE_CODE%%RESPONSE_FLAGS%"},
		{"rsd", "%RESPONSE_DURATION%"}, {"x", "%REQ(X-NOPE)%"}, {"xm", "a%REQ(X-NOPE)%b"}, {"q", "%REQ(X-Q)%"},
		{"cid", "%CONNECTION_ID%"}, {"lit", "plain"}, {"rport", "%DOWNSTREAM_REMOTE_PORT%"}, {"fs", "%FILTER_STATE(wasm.ai_log:PLAIN)%"},
		{"a\"key", "%PROTOCOL%"}, {"empty", ""}, {"bytes", "%REQ(X-BYTES)%"},
	}}, testEntry())
	const want = `{"a\"key":"HTTP/1.1","bytes":"a�\t\u0001é","cid":4,"code":503,"empty":"","fs":"{\"a\":\"b\"}","lit":"plain",` +
		`"mixed":"c=503","q":"he said \"x\"","rport":47756,"rsd":null,"rx":3,"two":"503UC","x":null,"xm":"a-b"}` + "\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("not JSON")
	}
	if got := line(t, AccessLog{JSON: []AccessLogMember{}}, testEntry()); got != "{}\n" {
		t.Errorf("no members: %q", got)
	}
}

func FuzzAccessLogFormat(f *testing.F) {
	for _, s := range []string{defaultAccessLog, "%%", "%REQ(a?b):3%", "%START_TIME(%E3S%f%%)%", "%FILTER_STATE(a:PLAIN)%", "%", "%A", "\xff%REQ(\xff)%"} {
		f.Add(s)
	}
	e := testEntry()
	f.Fuzz(func(t *testing.T, format string) {
		if format == "" {
			return
		}
		text, err := compileAccessLog(AccessLog{Format: format})
		if err != nil {
			return
		}
		text.appendLine(nil, e)
		object, err := compileAccessLog(AccessLog{JSON: []AccessLogMember{{format, format}}})
		if err != nil {
			t.Fatalf("compiles as text, not as JSON: %v", err)
		}
		if got := object.appendLine(nil, e); !json.Valid(got) {
			t.Fatalf("not JSON: %s", got)
		}
	})
}

func BenchmarkAccessLogLine(b *testing.B) {
	f, err := compileAccessLog(AccessLog{})
	if err != nil {
		b.Fatal(err)
	}
	e := testEntry()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		f.appendLine(buf, e)
	}
}

// lockedBuffer may be written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func testLogger(t *testing.T, cfg AccessLog, stdout io.Writer) *accessLogger {
	t.Helper()
	a, err := newAccessLogger(cfg, &Gateway{stdout: stdout, stderr: stdout, logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	return a
}

func TestAccessLogSinks(t *testing.T) {
	for name, cfg := range map[string]AccessLog{"none": {}, "two": {Stdout: true, Path: "x"}} {
		if _, err := newAccessLogger(cfg, &Gateway{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	a, err := newAccessLogger(AccessLog{Path: filepath.Join(t.TempDir(), "none", "log")}, &Gateway{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.open(); err == nil {
		t.Error("opened in a directory that there is not")
	}
}

func TestLinesAreWrittenWhole(t *testing.T) {
	var out lockedBuffer
	a := testLogger(t, AccessLog{Stdout: true, Format: "%PROTOCOL% %RESPONSE_CODE%\n"}, &out)
	var wg sync.WaitGroup
	const writers, lines = 8, 500
	for range writers {
		wg.Go(func() {
			for range lines {
				a.log(testEntry())
			}
		})
	}
	wg.Wait()
	eventually(t, "a line without close", func() bool { return strings.Contains(out.String(), "\n") })
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	a.log(testEntry()) // too late: dropped
	if got, want := out.String(), strings.Repeat("HTTP/1.1 503\n", writers*lines); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

func TestLogFileIsReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := testLogger(t, AccessLog{Path: path, Format: "%RESPONSE_CODE%\n"}, nil)
	a.log(testEntry())
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := a.reopen(); err != nil {
		t.Fatal(err)
	}
	a.log(testEntry())
	a.log(testEntry())
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if err := a.reopen(); err != nil {
		t.Errorf("reopen after close: %v", err)
	}
	for file, want := range map[string]string{path + ".1": "before\n503\n", path: "503\n503\n"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", filepath.Base(file), got, err, want)
		}
	}
}

// blockedWriter blocks until it is opened.
type blockedWriter struct {
	open chan struct{}
	lockedBuffer
}

func (b *blockedWriter) Write(p []byte) (int, error) {
	<-b.open
	return b.lockedBuffer.Write(p)
}

func TestASlowSinkDoesNotHoldRequestsUp(t *testing.T) {
	out := &blockedWriter{open: make(chan struct{})}
	a := testLogger(t, AccessLog{Stdout: true, Format: strings.Repeat("x", 1<<20) + "\n"}, out)
	for range 20 {
		a.log(testEntry()) // returns, whatever the sink does
	}
	close(out.open)
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n < 3 || n > 8 {
		t.Errorf("%d lines kept", n)
	}
}
