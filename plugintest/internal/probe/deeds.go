package probe

import (
	"errors"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
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

// ask has a Redis server decide: the answer is its reply as it came.
func ask(cluster, key string) error {
	if err := proxywasm.RedisInit(cluster, "user", "secret", 5000); err != nil {
		return err
	}
	query := "*2\r\n$3\r\nGET\r\n$" + strconv.Itoa(len(key)) + "\r\n" + key + "\r\n"
	_, err := proxywasm.DispatchRedisCall(cluster, []byte(query), func(status, size int) {
		reply, _ := proxywasm.GetRedisCallResponse(0, size)
		code := 200
		if status != 0 {
			code = 502 // there was no reply
		}
		if err := proxywasm.SendHttpResponse(code, nil, reply, -1); err != nil {
			log.Error(err.Error())
		}
	})
	return err
}

// misuse makes calls at moments at which they can do nothing. Hosts answer most of them well.
func misuse(kind string) error {
	switch kind {
	case "resume":
		return proxywasm.ResumeHttpRequest()
	case "resume response":
		return proxywasm.ResumeHttpResponse()
	case "second reply":
		if err := proxywasm.SendHttpResponse(401, nil, nil, -1); err != nil {
			return err
		}
		_ = proxywasm.SendHttpResponse(403, nil, nil, -1) // refused, as is right
	case "resume after reply":
		if err := proxywasm.SendHttpResponse(401, nil, nil, -1); err != nil {
			return err
		}
		return proxywasm.ResumeHttpRequest()
	}
	return nil
}

// served counts the requests of this VM.
var served int

// add adds one to a number in the shared data, however many others do the same.
func add(key string) error {
	for {
		n := 0
		value, cas, err := proxywasm.GetSharedData(key)
		if err == nil {
			if n, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		} else if !errors.Is(err, types.ErrorStatusNotFound) {
			return err
		}
		err = proxywasm.SetSharedData(key, []byte(strconv.Itoa(n+1)), cas)
		if !errors.Is(err, types.ErrorStatusCasMismatch) {
			return err
		}
	}
}
