package pluginhost

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestLimitsDefaults(t *testing.T) {
	l := Limits{}.withDefaults()
	if l.SharedDataBytes != 64<<20 || l.SharedDataKeys != 100_000 || l.Queues != 1000 || l.QueueLength != 10_000 ||
		l.QueueBytes != 16<<20 || l.MetricNames != 2000 || l.MinTickPeriod != time.Millisecond || l.LogLines != 10_000 {
		t.Errorf("defaults %+v", l)
	}
	l = Limits{SharedDataBytes: -1, MinTickPeriod: -1, LogLines: 5}.withDefaults()
	if l.SharedDataBytes != int(^uint(0)>>1) || l.MinTickPeriod != -1 || l.LogLines != 5 || l.Queues != 1000 {
		t.Errorf("%+v", l)
	}
}

// Each limit that is reached answers InternalFailure, and is logged once, with the plugin's and its setting's name.
func TestQuotas(t *testing.T) {
	for _, tc := range []struct {
		setting string
		limits  Limits
		call    func(c call, i int) abi.Status
		fits    int
	}{
		{"SharedDataBytes", Limits{SharedDataBytes: 20}, func(c call, i int) abi.Status {
			return c.SetSharedData([]byte{byte('a' + i)}, []byte("123456789"), 0)
		}, 2},
		{"SharedDataKeys", Limits{SharedDataKeys: 3}, func(c call, i int) abi.Status {
			return c.SetSharedData([]byte{byte('a' + i)}, nil, 0)
		}, 3},
		{"MetricNames", Limits{MetricNames: 2}, func(c call, i int) abi.Status {
			_, status := c.DefineMetric(abi.MetricCounter, []byte{byte('a' + i)})
			return status
		}, 2},
		{"MinTickPeriod", Limits{MinTickPeriod: time.Hour}, func(c call, _ int) abi.Status {
			return c.SetTickPeriod(3_599_999)
		}, 0},
	} {
		t.Run(tc.setting, func(t *testing.T) {
			s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
				for i := range tc.fits + 3 {
					want := abi.StatusOK
					if i >= tc.fits {
						want = abi.StatusInternalFailure
					}
					wantEqual(t, "status", tc.call(c, i), want)
				}
				return 0, nil
			}}, func(c *Config) { c.Limits = tc.limits })
			cb := newStream()
			f := s.filter(cb)
			f.DecodeHeaders(cb.request, true)
			f.OnDestroy()
			line := `level=WARN msg="plugin reached a limit" plugin=test worker=0 setting=Limits.` + tc.setting + " limit="
			if n := strings.Count(s.log.String(), line); n != 1 {
				t.Errorf("%d lines\n%s", n, s.log)
			}
		})
	}
}

func TestTickPeriods(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		wantEqual(t, "the least", c.SetTickPeriod(3_600_000), abi.StatusOK)
		wantEqual(t, "none", c.SetTickPeriod(0), abi.StatusOK)
		for range 3 {
			wantEqual(t, "negative", c.SetTickPeriod(1<<32-5), abi.StatusOK)
		}
		return 0, nil
	}}, func(c *Config) { c.Limits.MinTickPeriod = time.Hour })
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	wantEqual(t, "period", s.plugin.roots[0].Load().period, (1<<32-5)*time.Millisecond)
	if n := strings.Count(s.log.String(), "negative tick period"); n != 1 {
		t.Errorf("%d lines\n%s", n, s.log)
	}
}

func TestLogLines(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		for range 20 {
			wantEqual(t, "status", c.Log(abi.LogInfo, []byte("line")), abi.StatusOK)
		}
		return 0, nil
	}}, func(c *Config) { c.Limits.LogLines = 3 })
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	closeHost(t, s.host)
	log := s.log.String()
	written, told := strings.Count(log, "msg=line"), strings.Count(log, "plugin reached a limit")
	if written < 3 || written > 6 || told != 1 { // two seconds at most
		t.Errorf("%d lines written, %d told\n%s", written, told, log)
	}
	if !strings.Contains(log, `msg="log lines of the plugin were suppressed" plugin=test lines=`) {
		t.Errorf("no count\n%s", log)
	}
}

func TestLineRate(t *testing.T) {
	var r lineRate
	at := time.Unix(100, 0)
	for i, want := range []struct {
		after   time.Duration
		dropped int64
		ok      bool
	}{
		{0, 0, true}, {0, 0, true}, {0, 0, false}, {500 * time.Millisecond, 0, false}, {time.Second, 2, true}, {time.Second, 0, true},
	} {
		dropped, ok := r.take(2, at.Add(want.after))
		if dropped != want.dropped || ok != want.ok {
			t.Errorf("line %d: %d %v", i, dropped, ok)
		}
	}
}

func TestComplaints(t *testing.T) {
	var c complaints
	now := time.Unix(1000, 0)
	check := func(what string, after time.Duration, dropped int, ok bool) {
		t.Helper()
		if d, k := c.due(what, now.Add(after)); d != dropped || k != ok {
			t.Errorf("%s after %v: %d %v", what, after, d, k)
		}
	}
	check("a", 0, 0, true)
	check("a", time.Second, 0, false)
	check("b", time.Second, 0, true)
	check("a", complaintPeriod-1, 0, false)
	check("a", complaintPeriod, 2, true)
	for i := range 2 * maxComplaints {
		c.due(strings.Repeat("x", i), now)
	}
	wantEqual(t, "remembered", len(c.last), maxComplaints)
}

// Another kind of metric under a name that is in use is another metric, and is logged.
func TestMetricTwoKinds(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		for range 2 {
			for kind := abi.MetricCounter; kind <= abi.MetricGauge; kind++ {
				_, status := c.DefineMetric(kind, []byte("n"))
				wantEqual(t, "define", status, abi.StatusOK)
			}
		}
		_, status := c.DefineMetric(abi.MetricGauge, []byte(strings.Repeat("n", maxName+1)))
		wantEqual(t, "a long name", status, abi.StatusBadArgument)
		return 0, nil
	}})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	wantEqual(t, "metrics", len(s.host.Metrics()), 2)
	if n := strings.Count(s.log.String(), "metric=n kind=gauge other=counter"); n != 1 {
		t.Errorf("%d lines\n%s", n, s.log)
	}
}
