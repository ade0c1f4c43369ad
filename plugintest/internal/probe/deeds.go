package probe

import (
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// call asks a cluster whether the request may go on.
func call(cluster string) error {
	_, err := proxywasm.DispatchHttpCall(cluster, [][2]string{
		{":method", "POST"}, {":path", "/called"}, {":authority", "callee"}, {"x-from", "probe"},
	}, []byte("what?"), nil, 5000, func(int, int, int) {
		headers, err := proxywasm.GetHttpCallResponseHeaders()
		status := 503
		if err == nil {
			for _, h := range headers {
				if h[0] == ":status" {
					status, _ = strconv.Atoi(h[1])
				}
			}
		}
		if status == 200 {
			err = proxywasm.ResumeHttpRequest()
		} else {
			err = proxywasm.SendHttpResponse(status, nil, nil, -1)
		}
		if err != nil {
			log.Error(err.Error())
		}
	})
	return err
}

// write leaves something behind in every place there is.
func write() error {
	queue, err := proxywasm.RegisterSharedQueue("jobs")
	if err != nil {
		return err
	}
	if err := proxywasm.EnqueueSharedQueue(queue, []byte("job")); err != nil {
		return err
	}
	for _, p := range []struct {
		path  []string
		value string
	}{
		{[]string{"a", "b"}, "c"}, {[]string{"custom_log"}, `{\"who\":\"me \\\"and\\\" you\"}`}, {[]string{"trace_span_tag.tenant"}, "t1"},
	} {
		if err := proxywasm.SetProperty(p.path, []byte(p.value)); err != nil {
			return err
		}
	}
	proxywasm.DefineCounterMetric("probe_writes").Increment(3)
	count, cas, err := proxywasm.GetSharedData("count")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(count))
	if err != nil {
		return err
	}
	return proxywasm.SetSharedData("count", []byte(strconv.Itoa(n+1)), cas)
}
