package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// randomPlugin answers anything at random.
type randomPlugin struct {
	funcPlugin
	mu   sync.Mutex
	ids  map[uint32]bool
	trap int // one of this many callbacks traps, 0 never
}

func (p *randomPlugin) maybe() error {
	if p.trap > 0 && rand.IntN(p.trap) == 0 {
		return errors.New("trap")
	}
	return nil
}

func (p *randomPlugin) some(id uint32) {
	h := p.host
	if rand.IntN(40) == 0 {
		h.SendLocalResponse(403, nil, []byte("denied"), nil, -1)
	}
	if rand.IntN(6) == 0 {
		h.ContinueStream(abi.StreamHTTPRequest)
	}
	if rand.IntN(6) == 0 {
		h.ContinueStream(abi.StreamHTTPResponse)
	}
	for m := abi.MapType(0); m < 4; m++ {
		if rand.IntN(8) == 0 && m == 0 {
			h.AddHeaderMapValue(m, []byte("x-a"), []byte("1"))
		}
		h.GetHeaderMapPairs(nil, m)
	}
	for b := abi.BufferType(0); b < 2; b++ {
		h.GetBufferBytes(nil, b, 0, 1<<30)
		if rand.IntN(8) == 0 {
			h.SetBufferBytes(b, 0, uint32(rand.IntN(100)), []byte("zz"))
		}
	}
	p.mu.Lock()
	other := uint32(0)
	for i := range p.ids {
		other = i
		break
	}
	p.mu.Unlock()
	if other != 0 && rand.IntN(5) == 0 {
		if h.SetEffectiveContext(other) == abi.StatusOK {
			h.GetHeaderMapPairs(nil, 0)
			if rand.IntN(3) == 0 {
				h.ContinueStream(abi.StreamHTTPRequest)
				h.ContinueStream(abi.StreamHTTPResponse)
			}
			h.SetEffectiveContext(0)
		}
	}
}

func (p *randomPlugin) OnRequestHeaders(id, _ uint32, end bool) (abi.Action, error) {
	p.mu.Lock()
	p.ids[id] = true
	p.mu.Unlock()
	p.some(id)
	return abi.Action(rand.IntN(5)), p.maybe()
}
func (p *randomPlugin) OnRequestBody(id, _ uint32, end bool) (abi.Action, error) {
	p.some(id)
	return abi.Action(rand.IntN(4)), p.maybe()
}
func (p *randomPlugin) OnRequestTrailers(id, _ uint32) (abi.Action, error) {
	p.some(id)
	return abi.Action(rand.IntN(2)), p.maybe()
}
func (p *randomPlugin) OnResponseHeaders(id, _ uint32, end bool) (abi.Action, error) {
	p.some(id)
	return abi.Action(rand.IntN(5)), p.maybe()
}
func (p *randomPlugin) OnResponseBody(id, _ uint32, end bool) (abi.Action, error) {
	p.some(id)
	return abi.Action(rand.IntN(4)), p.maybe()
}
func (p *randomPlugin) OnResponseTrailers(id, _ uint32) (abi.Action, error) {
	p.some(id)
	return abi.Action(rand.IntN(2)), p.maybe()
}
func (p *randomPlugin) OnLog(id uint32) error { return p.maybe() }
func (p *randomPlugin) OnDone(id uint32) (bool, error) {
	return true, p.maybe()
}
func (p *randomPlugin) OnDelete(id uint32) error {
	p.mu.Lock()
	delete(p.ids, id)
	p.mu.Unlock()
	return nil
}
func (p *randomPlugin) OnTick(uint32) error {
	p.mu.Lock()
	var l []uint32
	for i := range p.ids {
		l = append(l, i)
	}
	p.mu.Unlock()
	for _, i := range l {
		if p.host.SetEffectiveContext(i) == abi.StatusOK {
			p.some(i)
			p.host.ContinueStream(abi.StreamHTTPRequest)
			p.host.ContinueStream(abi.StreamHTTPResponse)
		}
	}
	if p.trap > 0 && rand.IntN(p.trap) == 0 {
		return errors.New("trap in tick")
	}
	return nil
}

// TestRandomPlugins has three plugins in a row answer anything at random, resume at random and trap, while clients come
// and go: every request must be answered, and every stream must end.
func TestRandomPlugins(t *testing.T) {
	for _, tt := range []struct {
		trap   int
		policy pluginhost.FailurePolicy
	}{{150, pluginhost.FailReload}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {

				if rand.IntN(3) == 0 {
					w.Write([]byte("early"))
					w.(http.Flusher).Flush()
				}
				if rand.IntN(3) > 0 {
					io.Copy(io.Discard, r.Body)
				}
				for range rand.IntN(4) {
					w.Write(make([]byte, rand.IntN(60000)))
					w.(http.Flusher).Flush()
				}
			}), nil, func(c *Config) {
				for i := range 3 {
					c.Listeners[0].HTTP.Filters = append(c.Listeners[0].HTTP.Filters, Filter{Name: fmt.Sprint(i), Wasm: &pluginhost.Config{
						Name: fmt.Sprint(i), VMID: fmt.Sprint(i), AllowOnHeadersStopIteration: true, FailurePolicy: tt.policy, ReloadBackoff: time.Millisecond,
						Native: func(h abi.Host) abi.Plugin {
							q := &randomPlugin{ids: map[uint32]bool{}, trap: tt.trap}
							q.host = h
							q.start = func(h abi.Host, _ uint32) { h.SetTickPeriod(2) }
							return q
						}}})
				}
				c.Listeners[0].HTTP.EnableTrailers, c.Clusters[0].EnableTrailers = true, true
				c.Listeners[0].HTTP.StreamIdleTimeout = 20 * time.Second
			})
			var wg sync.WaitGroup
			stop := time.Now().Add(3 * time.Second)
			var mu sync.Mutex
			codes := map[string]int{}
			for i := range 12 {
				wg.Go(func() {
					tr := &http.Transport{DisableCompression: true}
					if i%3 == 0 {
						tr.Protocols = new(http.Protocols)
						tr.Protocols.SetUnencryptedHTTP2(true)
					}
					defer tr.CloseIdleConnections()
					for time.Now().Before(stop) {
						d := 15 * time.Second
						if rand.IntN(4) == 0 {
							d = time.Duration(rand.IntN(20)) * time.Millisecond
						}
						ctx, cancel := context.WithTimeout(context.Background(), d)
						var body io.Reader
						if rand.IntN(2) == 0 {
							body = io.LimitReader(zeros{}, int64(rand.IntN(200000)))
						}
						req, _ := http.NewRequestWithContext(ctx, "POST", g.url+"/", body)
						if rand.IntN(3) == 0 && body != nil {
							req.Trailer = http.Header{"X-T": {"1"}}
						}
						resp, err := tr.RoundTrip(req)
						k := "err"
						if err == nil {
							_, err = io.Copy(io.Discard, resp.Body)
							resp.Body.Close()
							k = fmt.Sprint(resp.StatusCode)
						}
						if err != nil && errors.Is(err, context.DeadlineExceeded) && d == 15*time.Second {
							k = "HANG" + k
						}
						mu.Lock()
						codes[k]++
						mu.Unlock()
						cancel()
					}
				})
			}
			wg.Wait()
			for k, n := range codes {
				if strings.HasPrefix(k, "HANG") {
					t.Errorf("%d requests without a whole answer (%s)", n, k)
				}
			}
			waitFor(t, "every stream ended", func() bool { return g.streams.active.Load() == 0 })
		})
	}
}
