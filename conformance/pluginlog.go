package conformance

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// pluginLog has the lines that plugins log, by the plugin's name.
type pluginLog struct {
	mu    sync.Mutex
	lines map[string][]string
	more  chan struct{} // closed when a line is added
}

func newPluginLog() *pluginLog {
	return &pluginLog{lines: map[string][]string{}, more: make(chan struct{})}
}

func (l *pluginLog) add(plugin, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[plugin] = append(l.lines[plugin], line)
	close(l.more)
	l.more = make(chan struct{})
}

// of returns the lines of a case's plugins, in their order: those of the second are marked.
func (l *pluginLog) of(name string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines[name]...)
}

// await waits for a line of a case's plugins that begins with prefix.
func (l *pluginLog) await(name, prefix string) error {
	for deadline := time.Now().Add(patience); ; {
		l.mu.Lock()
		for _, line := range l.lines[name] {
			if strings.HasPrefix(line, prefix) {
				l.mu.Unlock()
				return nil
			}
		}
		more := l.more
		l.mu.Unlock()
		select {
		case <-more:
		case <-time.After(time.Until(deadline)):
			return fmt.Errorf("no line %q was logged", prefix)
		}
	}
}

// plugin splits the name of a case's plugin, NAME or NAME#2, into the case's name and what marks the plugin's lines.
func plugin(name string) (of, mark string) {
	if of, n, ok := strings.Cut(name, "#"); ok {
		return of, "[" + n + "] "
	}
	return name, ""
}
