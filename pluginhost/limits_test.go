package pluginhost

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestLog(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		for level := abi.LogTrace; level <= abi.LogCritical; level++ {
			wantEqual(t, "status", c.Log(level, []byte(level.String()+" line\n")), abi.StatusOK)
		}
		wantEqual(t, "unknown level", c.Log(abi.LogCritical+1, []byte("x")), abi.StatusBadArgument)
		c.Log(abi.LogInfo, []byte("two\nlines"))
		c.Log(abi.LogInfo, []byte(strings.Repeat("é", maxLogLine)))
		return 0, nil
	}})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	_, got, _ := strings.Cut(s.log.String(), "vms=1\n")
	got, _, _ = strings.Cut(got, "level=INFO msg=\"é")
	wantEqual(t, "log", got, `level=INFO msg="info line" plugin=test worker=0 context=2
level=WARN msg="warn line" plugin=test worker=0 context=2
level=ERROR msg="error line" plugin=test worker=0 context=2
level=ERROR+4 msg="critical line" plugin=test worker=0 context=2
level=INFO msg="two\nlines" plugin=test worker=0 context=2
`)
	if got := logText([]byte("x" + strings.Repeat("é", maxLogLine))); !strings.HasSuffix(got, "é… (16386 bytes more)") {
		t.Errorf("cut: %q", got[len(got)-40:])
	}
}

func TestSpending(t *testing.T) {
	inHeaders(t, func(c call) {
		value := bytes.Repeat([]byte("x"), 1<<19)
		status := abi.StatusOK
		n := 0
		for ; status == abi.StatusOK && n < 2000; n++ {
			status = c.ReplaceHeaderMapValue(0, []byte("x"), value)
		}
		if status != abi.StatusInternalFailure || n > 512 {
			t.Errorf("%d values of 512 KiB copied: %v", n, status)
		}
		wantEqual(t, "inject", c.InjectEncodedData(value, false), abi.StatusInternalFailure)
		wantEqual(t, "reply", c.SendLocalResponse(200, nil, value, nil, -1), abi.StatusInternalFailure)
		wantEqual(t, "property", c.SetProperty(abi.Path("x"), value), abi.StatusInternalFailure)
	})
	inHeaders(t, func(c call) {
		status := abi.StatusOK
		n := 0
		for ; status == abi.StatusOK && n < 2*maxFields; n++ {
			status = c.AddHeaderMapValue(0, []byte("x"), nil)
		}
		if status != abi.StatusInternalFailure || n > maxFields {
			t.Errorf("%d fields added: %v", n, status)
		}
	})
}
