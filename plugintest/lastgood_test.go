package plugintest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// lines is a log that goroutines write to.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since it was called last.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// TestLastGoodRulesOutliveTheVM replaces a plugin as a gateway does that reads a new configuration: the new VMs start, then
// the old ones end. What the old ones knew of good rules, the new ones find, each of them.
func TestLastGoodRulesOutliveTheVM(t *testing.T) {
	code, err := compile("../examples/rule-isolation")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	const workers = 4
	log := &lines{}
	host := pluginhost.New(pluginhost.Options{Engine: engine, Workers: workers, Logger: slog.New(slog.NewTextHandler(log, nil))})
	defer host.Close(context.Background())
	start := func(name, vm, config string) *pluginhost.Plugin {
		t.Helper()
		p, err := host.NewPlugin(context.Background(), pluginhost.Config{
			Name: name, VMID: "id", VMConfiguration: []byte(vm), Configuration: []byte(config), Module: code,
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	rules := func(b string) string {
		return `{"keys": [], "_rules_": [{"_match_domain_": ["a"], "keys": ["a"]}, {"_match_domain_": ["b"], ` + b + `}]}`
	}
	const (
		good, bad = `"keys": ["b"]`, `"keys": "b"`
		kept      = "1 with the last good version in force"
		held      = "0 with the last good version in force, 1 answering 503"
	)
	var last *pluginhost.Plugin
	for i, step := range []struct{ name, config, want string }{
		{"keys", rules(bad), held},
		{"keys", rules(good), ""},
		{"keys", rules(bad), kept},
		{"keys", rules(bad), kept},
		{"other", rules(bad), held}, // not its rules
		{"keys", rules(bad), kept},
		{"keys", `{"keys": []}`, ""},
		{"keys", rules(bad), held}, // the rule was gone in between
	} {
		p := start(step.name, fmt.Sprint("VMs ", i), step.config) // another VM configuration: VMs of its own
		if last != nil {
			if err := last.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		last = p
		said := log.take()
		if n := strings.Count(said, step.want); step.want != "" && n != workers {
			t.Errorf("step %d: %d of %d VMs say %q:\n%s", i, n, workers, step.want, said)
		}
		if rejected := strings.Contains(said, "rejected"); rejected != (step.want != "") {
			t.Errorf("step %d: rules rejected: %v\n%s", i, rejected, said)
		}
	}
}
