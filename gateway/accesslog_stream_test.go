package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The lines are those that Envoy 1.40 wrote for the same kinds of streams.
func TestAccessLogOfStreams(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/reset" {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Up", "1")
		fmt.Fprint(w, "hello")
	}))
	defer up.Close()
	host := up.Listener.Addr().String()
	var out lockedBuffer
	cfg := testConfig(host, nil)
	l := &cfg.Listeners[0]
	closed := cfg.Clusters[1].Endpoints[0].Address
	cfg.Clusters = append(cfg.Clusters, Cluster{Name: "empty"})
	vh := &l.HTTP.Routes.VirtualHosts[0]
	vh.Domains = []string{"a"}
	vh.Routes = append([]Route{{Match: RouteMatch{Path: "/empty"}, Cluster: "empty"}}, vh.Routes...)
	l.HTTP.AccessLogs = []AccessLog{{Stdout: true, Format: "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% " +
		"%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %ROUTE_NAME% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% %REQ(:PATH)% %RESP(X-UP)% " +
		"%UPSTREAM_TRANSPORT_FAILURE_REASON%\n"}}
	g, err := New(cfg, Options{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	raw := &testGateway{g, "", g.Addr("l").String()}
	var want []string
	for _, c := range []struct{ request, want string }{
		{"GET /x?q HTTP/1.1\r\nHost: a\r\n", "200 - via_upstream " + host + " u all rx=0 tx=5 /x?q 1 -"},
		{"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n", "200 - via_upstream " + host + " u all rx=3 tx=5 /x 1 -"},
		{"GET /reset HTTP/1.1\r\nHost: a\r\n",
			"503 UC upstream_reset_before_response_started{connection_termination} " + host + " u all rx=0 tx=95 /reset - -"},
		{"GET /closed HTTP/1.1\r\nHost: a\r\n",
			"503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} " + closed +
				" closed - rx=0 tx=98 /closed - delayed_connect_error:_Connection_refused"},
		{"GET /empty HTTP/1.1\r\nHost: a\r\n", "503 UH no_healthy_upstream - empty - rx=0 tx=19 /empty - -"},
		{"GET /direct HTTP/1.1\r\nHost: a\r\n", "403 - direct_response - - - rx=0 tx=2 /direct - -"},
		{"GET / HTTP/1.1\r\nHost: b\r\n", "404 NR route_not_found - - - rx=0 tx=0 / - -"},
		{"GET /#f HTTP/1.1\r\nHost: a\r\n", "400 - path_normalization_failed - - - rx=0 tx=0 /#f - -"},
		{"GET / HTTP/1.0\r\nHost: a\r\n", "426 DPE low_version - - - rx=0 tx=16 / - -"},
	} {
		raw.raw(t, c.request+"Connection: close\r\n\r\nabc")
		want = append(want, c.want)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, got := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		if i >= len(want) || got != want[i] {
			t.Errorf("line %d\ngot  %s\nwant %s", i, got, append(want, "nothing")[min(i, len(want))])
		}
	}
}
