package redis_test

import (
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/redis"
	"github.com/sluice-gateway/sluice/redis/redistest"
)

// BenchmarkCall is a GET, one at a time and with as many under way as a busy plugin has.
func BenchmarkCall(b *testing.B) {
	s := redistest.Start(b)
	for _, bm := range []struct {
		name   string
		flight int
		opts   redis.Options
	}{
		{"one", 1, redis.Options{}},
		{"64", 64, redis.Options{}},
		{"64 buffered", 64, redis.Options{FlushBytes: 1024, FlushDelay: 3 * time.Millisecond}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			c := redis.New(bm.opts)
			defer c.Close()
			free := make(chan struct{}, bm.flight)
			query := command("get", "k")
			var wg sync.WaitGroup
			b.ReportAllocs()
			for b.Loop() {
				free <- struct{}{}
				wg.Add(1)
				err := c.Do(redis.Call{Address: s.Addr, Query: query, Done: func(_ []byte, err error) {
					if err != nil {
						b.Error(err)
					}
					<-free
					wg.Done()
				}})
				if err != nil {
					b.Fatal(err)
				}
			}
			wg.Wait()
		})
	}
}
