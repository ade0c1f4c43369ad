package redis

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// reportPeriod is how often the same kind of failure is logged at most.
const reportPeriod = 10 * time.Second

// failureLog is what has been logged about a host.
type failureLog struct {
	mu    sync.Mutex
	kinds map[string]*logged
	// bad: it is to be told when calls work again.
	bad bool
}

// logged is when a kind of failure was logged last, and how many more there were since.
type logged struct {
	at   time.Time
	more int
}

// report logs a failure, once for each kind and now and then again.
func (n *node) report(err error) {
	kind := Failure(err)
	if reply, refused := refusal(err); refused == nil {
		kind = "select"
		if badCredentials(strings.TrimPrefix(string(reply), "-")) {
			kind = "auth"
		}
	} else if kind == "other" {
		kind = Failure(classify(err))
	}
	more, due := n.log.due(kind, time.Now())
	if !due {
		return
	}
	attrs := []slog.Attr{slog.String("address", n.address), slog.String("failure", kind), slog.String("error", fmt.Sprint(err))}
	if more > 0 {
		attrs = append(attrs, slog.Int("more", more))
	}
	n.client.opts.Logger.LogAttrs(context.Background(), slog.LevelWarn, "redis calls fail", attrs...)
}

// recovered logs that a host which failed does not any more.
func (n *node) recovered() {
	n.log.mu.Lock()
	bad := n.log.bad
	n.log.bad = false
	n.log.mu.Unlock()
	if bad {
		n.client.opts.Logger.Info("redis calls work again", "address", n.address)
	}
}

// due reports whether a kind of failure is to be logged now, and how many were not since the last time.
func (l *failureLog) due(kind string, now time.Time) (more int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.kinds[kind]
	if last != nil && now.Sub(last.at) < reportPeriod {
		last.more++
		return 0, false
	}
	if last != nil {
		more = last.more
	}
	if l.kinds == nil {
		l.kinds = map[string]*logged{}
	}
	l.kinds[kind] = &logged{at: now}
	l.bad = true
	return more, true
}
