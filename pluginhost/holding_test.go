package pluginhost

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// However many callbacks a plugin has for it, one stream holds no more than so much for it, and says so once.
func TestHolding(t *testing.T) {
	const mib = 1 << 20
	value := bytes.Repeat([]byte("x"), mib)
	for _, tc := range []struct {
		name string
		do   func(c call, n int) abi.Status
		most int // calls that succeed
	}{
		{"new properties", func(c call, n int) abi.Status { return c.SetProperty(abi.Path(fmt.Sprint("p", n)), value) }, maxState / mib},
		{"one property", func(c call, _ int) abi.Status { return c.SetProperty(abi.Path("p"), value) }, -1},
		{"append to a body", func(c call, _ int) abi.Status {
			return c.SetBufferBytes(abi.BufferHTTPRequestBody, 1<<31-1, 0, value)
		}, maxHeld / mib},
		{"prepend to a body", func(c call, _ int) abi.Status {
			return c.SetBufferBytes(abi.BufferHTTPRequestBody, 0, 0, value)
		}, maxHeld / mib},
		{"replace a body", func(c call, _ int) abi.Status {
			return c.SetBufferBytes(abi.BufferHTTPRequestBody, 0, 1<<31-1, value)
		}, -1},
		{"add headers", func(c call, n int) abi.Status {
			return c.AddHeaderMapValue(0, []byte(fmt.Sprint("h", n)), value[:mib/8])
		}, 7},
		{"add to a header", func(c call, _ int) abi.Status { return c.AddHeaderMapValue(0, []byte("cookie"), value[:mib/8]) }, 7},
		{"replace headers", func(c call, n int) abi.Status {
			return c.ReplaceHeaderMapValue(0, []byte(fmt.Sprint("h", n)), value[:mib/8])
		}, 7},
		{"replace a header", func(c call, _ int) abi.Status { return c.ReplaceHeaderMapValue(0, []byte("h"), value[:mib/2]) }, -1},
		{"inject in a busy turn", func(c call, _ int) abi.Status { return c.InjectEncodedData(value, false) }, maxHeld / mib},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, status := 0, abi.StatusOK
			s := start(t, map[string]handler{
				"request_headers": answer(abi.HeaderStopIteration), "request_body": answer(abi.DataStopIterationAndBuffer),
				"tick": func(c call) (uint32, error) {
					c.SetEffectiveContext(2)
					if status = tc.do(c, n); status == abi.StatusOK {
						n++
					}
					return 0, nil
				},
			})
			s.plugin.keepStopIteration = true
			cb := newStream()
			f := s.filter(cb)
			f.DecodeHeaders(cb.request, false)
			d := buffer("x")
			f.DecodeData(d, false)
			cb.add(&cb.decoding, d)
			cb.onTurn(func() {
				for range 2 * maxHeld / mib {
					s.tick()
				}
			})
			lines := strings.Count(s.log.String(), "plugin has a stream hold too much")
			if tc.most < 0 {
				wantEqual(t, "calls", n, 2*maxHeld/mib)
				wantEqual(t, "lines", lines, 0)
			} else {
				wantEqual(t, "status", status, abi.StatusInternalFailure)
				if n > tc.most || n < tc.most-1 {
					t.Errorf("%d calls succeeded, want about %d", n, tc.most)
				}
				wantEqual(t, "lines", lines, 1)
			}
			f.OnDestroy()
		})
	}
}

// What has gone on, or was dropped, is not held any more.
func TestHoldingIsGivenBack(t *testing.T) {
	value := bytes.Repeat([]byte("x"), maxHeld*2/3)
	for _, a := range []abi.Action{abi.DataContinue, abi.DataStopIterationNoBuffer} {
		n := 0
		s := start(t, map[string]handler{"response_body": func(c call) (uint32, error) {
			n++
			wantEqual(t, "set", c.SetBufferBytes(abi.BufferHTTPResponseBody, 0, 1, value), abi.StatusOK)
			wantEqual(t, "inject", c.InjectEncodedData(value, false), abi.StatusOK)
			return uint32(a), nil
		}})
		cb := newStream()
		f := s.plugin.NewFilter(0, &swallowing{cb})
		f.DecodeHeaders(cb.request, true)
		for range 3 {
			wantEqual(t, "action", f.EncodeData(buffer("x"), false), a)
		}
		wantEqual(t, "callbacks", n, 3)
		wantEqual(t, "asked for", f.holding.asked.Load(), 0)
		f.OnDestroy()
	}
}

// swallowing is a stream that takes injected data without noting it.
type swallowing struct{ *stream }

func (s *swallowing) InjectEncodedData(data *message.Buffer, _ bool) { data.Reset() }
