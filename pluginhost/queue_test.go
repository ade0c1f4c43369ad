package pluginhost

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come", what)
		}
	}
}

func TestQueueCalls(t *testing.T) {
	inHeaders(t, func(c call) {
		check := func(what string, got, want abi.Status) {
			t.Helper()
			wantEqual(t, what, got, want)
		}
		_, status := c.ResolveSharedQueue(nil, []byte("q"))
		check("resolve what is not there", status, abi.StatusNotFound)
		check("enqueue to what is not there", c.EnqueueSharedQueue(1, []byte("x")), abi.StatusNotFound)
		_, status = c.DequeueSharedQueue(nil, 1)
		check("dequeue from what is not there", status, abi.StatusNotFound)

		id, status := c.RegisterSharedQueue([]byte("q"))
		check("register", status, abi.StatusOK)
		if id == 0 {
			t.Error("id 0")
		}
		for _, vmID := range []string{"", "vm"} {
			again, status := c.ResolveSharedQueue([]byte(vmID), []byte("q"))
			if again != id || status != abi.StatusOK {
				t.Errorf("resolve in %q: %d %v", vmID, again, status)
			}
		}
		_, status = c.ResolveSharedQueue([]byte("another"), []byte("q"))
		check("resolve in another vm_id", status, abi.StatusNotFound)
		_, status = c.RegisterSharedQueue([]byte(strings.Repeat("x", maxName+1)))
		check("register a long name", status, abi.StatusBadArgument)

		_, status = c.DequeueSharedQueue(nil, id)
		check("dequeue from an empty queue", status, abi.StatusEmpty)
		check("enqueue", c.EnqueueSharedQueue(id, []byte("one")), abi.StatusOK)
		check("enqueue nothing", c.EnqueueSharedQueue(id, nil), abi.StatusOK)
		again, _ := c.RegisterSharedQueue([]byte("q"))
		wantEqual(t, "registered again", again, id)
		for _, want := range []string{"one", ""} {
			got, status := c.DequeueSharedQueue([]byte("+"), id)
			if string(got) != "+"+want || status != abi.StatusOK {
				t.Errorf("dequeue: %q %v, want %q", got, status, want)
			}
		}
		_, status = c.DequeueSharedQueue(nil, id)
		check("dequeue from an empty queue", status, abi.StatusEmpty)
	})
}

// queuePair starts a plugin that registers a queue when it is configured and takes from it when it is told to, and
// another, with another vm_id, that adds what it finds in its requests' x-add header.
func TestQueueReady(t *testing.T) {
	host := New(Options{Workers: 2})
	defer closeHost(t, host)
	var mu sync.Mutex
	var got []string
	consumer := func(name string) *Plugin {
		p, err := host.NewPlugin(context.Background(), Config{Name: name, VMID: "consumers", Native: func(h abi.Host) abi.Plugin {
			return &fake{host: h, on: map[string]handler{
				"configure": func(c call) (uint32, error) {
					_, status := c.RegisterSharedQueue([]byte("jobs"))
					wantEqual(t, "register", status, abi.StatusOK)
					return 1, nil
				},
				"queue_ready": func(c call) (uint32, error) {
					v, status := c.DequeueSharedQueue(nil, c.n)
					mu.Lock()
					got = append(got, fmt.Sprintf("%s %d %s %v", name, c.id, v, status))
					mu.Unlock()
					return 0, nil
				},
			}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	took := func(n int) string {
		t.Helper()
		eventually(t, "readiness", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= n })
		mu.Lock()
		defer mu.Unlock()
		s := strings.Join(got, "; ")
		got = nil
		return s
	}
	first := consumer("first")
	var producer abi.Host
	if _, err := host.NewPlugin(context.Background(), Config{Name: "producer", VMID: "producers", Native: func(h abi.Host) abi.Plugin {
		producer = h
		return &fake{host: h}
	}}); err != nil {
		t.Fatal(err)
	}
	id, status := producer.ResolveSharedQueue([]byte("consumers"), []byte("jobs"))
	wantEqual(t, "resolve", status, abi.StatusOK)
	producer.EnqueueSharedQueue(id, []byte("a"))
	producer.EnqueueSharedQueue(id, []byte("b"))
	wantEqual(t, "delivered", took(2), "first 1 a ok; first 1 b ok")

	second := consumer("second") // rebinds
	producer.EnqueueSharedQueue(id, []byte("c"))
	wantEqual(t, "delivered", took(1), "second 1 c ok")

	// The root that the queue is bound to has gone: nobody is told, and the data is kept.
	if err := second.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "enqueue", producer.EnqueueSharedQueue(id, []byte("d")), abi.StatusOK)
	host.queues.deliveries.Wait()
	third := consumer("third")
	producer.EnqueueSharedQueue(id, []byte("e"))
	wantEqual(t, "delivered", took(1), "third 1 d ok")

	// With the last VM of the vm_id its queues go.
	for _, p := range []*Plugin{first, third} {
		if err := p.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, "enqueue", producer.EnqueueSharedQueue(id, []byte("f")), abi.StatusNotFound)
}

// A callback may be slow, die or take more than it was told of.
func TestQueueReadyTrap(t *testing.T) {
	s := start(t, map[string]handler{
		"configure":   func(c call) (uint32, error) { c.RegisterSharedQueue([]byte("q")); return 1, nil },
		"queue_ready": func(_ call) (uint32, error) { return 0, errTrap },
	})
	v := s.plugin.roots[0].Load().vm
	id := s.host.queues.resolve("vm", []byte("q"))
	for range 3 {
		s.host.queues.enqueue(id, []byte("x"))
	}
	eventually(t, "the trap", v.isDead)
	s.host.queues.deliveries.Wait()
	if n := strings.Count(s.fake.took(), "queue_ready"); n != 1 {
		t.Errorf("%d callbacks", n)
	}
}

func TestQueueQuota(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		id, _ := c.RegisterSharedQueue([]byte("q"))
		for i, want := range []abi.Status{abi.StatusOK, abi.StatusInternalFailure, abi.StatusOK, abi.StatusOK, abi.StatusInternalFailure} {
			wantEqual(t, strconv.Itoa(i), c.EnqueueSharedQueue(id, []byte([]string{"12345678", "123", "12", "", ""}[i])), want)
		}
		c.DequeueSharedQueue(nil, id)
		wantEqual(t, "room again", c.EnqueueSharedQueue(id, []byte("12345678")), abi.StatusOK)
		_, status := c.RegisterSharedQueue([]byte("r"))
		wantEqual(t, "second", status, abi.StatusOK)
		_, status = c.RegisterSharedQueue([]byte("s"))
		wantEqual(t, "third", status, abi.StatusInternalFailure)
		return 0, nil
	}}, func(c *Config) { c.Limits = Limits{QueueBytes: 10, QueueLength: 3, Queues: 2} })
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	for _, setting := range []string{"QueueBytes", "QueueLength", "Queues"} {
		if n := strings.Count(s.log.String(), "plugin=test worker=0 setting=Limits."+setting+" "); n != 1 {
			t.Errorf("%d lines about %s:\n%s", n, setting, s.log)
		}
	}
}

// Many VMs add to and take from one queue: nothing is lost or comes twice, and there is a callback for each.
func TestQueueHammer(t *testing.T) {
	host := New(Options{Workers: 2})
	defer closeHost(t, host)
	var ready, sum atomic.Int64
	const producers, each = 6, 400
	consume := func(h abi.Host, id uint32) {
		if v, status := h.DequeueSharedQueue(nil, id); status == abi.StatusOK {
			n, _ := strconv.Atoi(string(v))
			sum.Add(int64(n))
		}
	}
	if _, err := host.NewPlugin(context.Background(), Config{Name: "c", VMID: "c", Native: func(h abi.Host) abi.Plugin {
		return &fake{host: h, on: map[string]handler{
			"configure": func(c call) (uint32, error) { c.RegisterSharedQueue([]byte("q")); return 1, nil },
			"queue_ready": func(c call) (uint32, error) {
				ready.Add(1)
				consume(c.Host, c.n)
				return 0, nil
			},
		}}
	}}); err != nil {
		t.Fatal(err)
	}
	id := host.queues.resolve("c", []byte("q"))
	var wg sync.WaitGroup
	want := int64(0)
	for i := range producers {
		name := "p" + strconv.Itoa(i)
		var h abi.Host
		if _, err := host.NewPlugin(context.Background(), Config{Name: name, VMID: name, Native: func(host abi.Host) abi.Plugin {
			h = host
			return &fake{host: host}
		}}); err != nil {
			t.Fatal(err)
		}
		for n := range each {
			want += int64(i*each + n)
		}
		wg.Go(func() {
			for n := range each {
				if status := h.EnqueueSharedQueue(id, []byte(strconv.Itoa(i*each+n))); status != abi.StatusOK {
					t.Error(status)
				}
				if n%5 == 0 {
					consume(h, id)
				}
			}
		})
	}
	wg.Wait()
	host.queues.deliveries.Wait()
	wantEqual(t, "callbacks", ready.Load(), producers*each)
	wantEqual(t, "sum", sum.Load(), want)
}
