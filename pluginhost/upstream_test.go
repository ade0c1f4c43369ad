package pluginhost

import (
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestUpstreamCalls(t *testing.T) {
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			_, status := c.GetUpstreamHosts(nil)
			wantEqual(t, "hosts without a stream", status, abi.StatusNotFound)
			wantEqual(t, "override without a stream", c.SetUpstreamOverrideHost([]byte("1.2.3.4:80")), abi.StatusBadArgument)
			return 1, nil
		},
		"request_headers": func(c call) (uint32, error) {
			got, status := c.GetUpstreamHosts([]byte("+"))
			want := abi.AppendPairs([]byte("+"), [][2]string{
				{"1.2.3.4:80", `{"health_status":"Healthy"}`}, {"[::1]:80", `{"health_status":"Healthy","metrics":"m 1"}`}})
			if string(got) != string(want) || status != abi.StatusOK {
				t.Errorf("hosts: %q %v", got, status)
			}
			for _, bad := range []string{"", "1.2.3.4", "host:80", "1.2.3.4:80:", "1.2.3.4:70000", "1.2.3.4:80\x00"} {
				wantEqual(t, bad, c.SetUpstreamOverrideHost([]byte(bad)), abi.StatusBadArgument)
			}
			wantEqual(t, "override", c.SetUpstreamOverrideHost([]byte("[0:0::1]:80")), abi.StatusOK)
			return 0, nil
		},
	})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	wantEqual(t, "done", cb.happened(), "override [::1]:80")
}
