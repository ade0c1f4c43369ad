package pluginhost

import (
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// source hands out the fuzzer's bytes, zeros at the end.
type source struct{ b []byte }

func (s *source) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *source) bytes() []byte {
	n := min(int(s.byte()%32), len(s.b))
	b := s.b[:n:n]
	s.b = s.b[n:]
	return b
}

// number is small, or at the ends of the range.
func (s *source) number() uint32 {
	n := s.byte()
	if n >= 0xf0 {
		return ^uint32(0) - uint32(n-0xf0)
	}
	return uint32(n)
}

func (s *source) pairs() abi.Pairs {
	if s.byte()%2 == 0 {
		return s.bytes()
	}
	return abi.AppendPairs(nil, [][2]string{{string(s.bytes()), string(s.bytes())}})
}

// hostCall makes a host call of the source's choice.
func (s *source) hostCall(t *testing.T, c abi.Host) {
	dst := []byte("dst")
	status := abi.StatusOK
	switch s.byte() % 34 {
	case 0:
		c.Log(abi.LogLevel(s.number()), s.bytes())
	case 1:
		c.SendLocalResponse(s.number(), s.bytes(), s.bytes(), s.pairs(), int32(s.number()))
	case 2:
		c.ContinueStream(abi.StreamType(s.number()))
	case 3:
		c.CloseStream(abi.StreamType(s.number()))
	case 4:
		dst, status = c.GetHeaderMapPairs(dst, abi.MapType(s.number()))
	case 5:
		c.SetHeaderMapPairs(abi.MapType(s.number()), s.pairs())
	case 6:
		c.GetHeaderMapSize(abi.MapType(s.number()))
	case 7:
		dst, status = c.GetHeaderMapValue(dst, abi.MapType(s.number()), s.bytes())
	case 8:
		c.AddHeaderMapValue(abi.MapType(s.number()), s.bytes(), s.bytes())
	case 9:
		c.ReplaceHeaderMapValue(abi.MapType(s.number()), s.bytes(), s.bytes())
	case 10:
		c.RemoveHeaderMapValue(abi.MapType(s.number()), s.bytes())
	case 11:
		dst, status = c.GetBufferBytes(dst, abi.BufferType(s.number()), s.number(), s.number())
	case 12:
		c.GetBufferStatus(abi.BufferType(s.number()))
	case 13:
		c.SetBufferBytes(abi.BufferType(s.number()), s.number(), s.number(), s.bytes())
	case 14:
		dst, status = c.GetProperty(dst, s.bytes())
	case 15:
		c.SetProperty(s.bytes(), s.bytes())
	case 16:
		dst, _, status = c.GetSharedData(dst, s.bytes())
	case 17:
		c.SetSharedData(s.bytes(), s.bytes(), s.number())
	case 18:
		c.DefineMetric(abi.MetricType(s.number()), s.bytes())
	case 19:
		c.IncrementMetric(s.number(), int64(int32(s.number())))
	case 20:
		c.RecordMetric(s.number(), uint64(s.number()))
	case 21:
		c.GetMetric(s.number())
	case 22:
		dst, status = c.CallForeignFunction(dst, s.bytes(), s.bytes())
	case 23:
		dst, status = c.CallForeignFunction(dst, []byte(abi.FunctionInjectEncodedData), s.bytes())
	case 24:
		c.SetEffectiveContext(s.number() % 8)
	case 25:
		c.Done()
	case 26:
		c.InjectEncodedData(s.bytes(), s.byte()%2 == 0)
	case 27:
		c.SetTickPeriod(s.number() &^ 0xff) // none, or one that is not reached
	case 28:
		c.RegisterSharedQueue(s.bytes())
	case 29:
		c.ResolveSharedQueue(s.bytes(), s.bytes())
	case 30:
		dst, status = c.DequeueSharedQueue(dst, s.number())
	case 31:
		c.EnqueueSharedQueue(s.number(), s.bytes())
	case 32:
		dst, status = c.GetUpstreamHosts(dst)
	case 33:
		c.SetUpstreamOverrideHost(s.bytes())
	}
	if string(dst[:3]) != "dst" || status != abi.StatusOK && len(dst) > 3 {
		t.Errorf("answer %q %v", dst, status)
	}
}

// FuzzHostCalls has a plugin make any host calls in any callbacks of two streams, answer anything, and die.
func FuzzHostCalls(f *testing.F) {
	f.Add([]byte("\x01\x05\x04\x09\x00\x02ab\x02cd\x00\x02\x00\x18\x02\x02\x00\x00"))
	f.Add([]byte("\x0d\x00\x00\xf0\x04data\x0d\x01\xf0\x00\x04data"))
	f.Add([]byte("\x02\x1c\x01q\x1f\x01\x02ab\x00\x00\x02\x1e\x01\x20\x00\x00\x01\x21\x0a1.2.3.4:80\x00\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		src := &source{input}
		callback := func(c call) (uint32, error) {
			for range src.byte() % 4 {
				src.hostCall(t, c)
			}
			if src.byte() == 0xee {
				return 0, errTrap
			}
			return src.number() % 8, nil
		}
		truth := func(c call) (uint32, error) { _, err := callback(c); return 1, err }
		on := map[string]handler{"context_create": callback, "vm_start": truth, "configure": truth, "tick": callback, "done": truth}
		for _, s := range steps[:7] {
			on[s.name] = callback
		}
		s, err := tryStart(on, func(c *Config) { c.FailurePolicy = FailurePolicy(src.byte() % 3) })
		defer closeHost(t, s.host)
		if err != nil {
			return
		}
		cbs := []*stream{newStream(), newStream()}
		fs := []*Filter{s.filter(cbs[0]), s.filter(cbs[1])}
		for i := range 2 * len(steps) {
			f, cb, step := fs[i%2], cbs[i%2], steps[i/2]
			cb.lastPiece = step.name == "request_body" || step.name == "response_body"
			if f.gone {
				continue
			}
			cb.onTurn(func() {
				a := step.run(f, cb)
				if a > step.stop && step.stop != abi.TrailerStopIteration || a == abi.HeaderContinueAndEndStream && step.stop == abi.HeaderStopAllIterationAndWatermark {
					t.Errorf("%s: action %d", step.name, a)
				}
			})
			if r := s.plugin.roots[0].Load(); !r.ended && src.byte()%4 == 0 {
				s.tick()
			}
			for _, cb := range cbs {
				if !cb.TryLock() {
					t.Fatalf("%s: a stream is left locked", step.name)
				}
				cb.Unlock()
			}
		}
	})
}
