//go:build !wasip1

package wrapper_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/internal/lease"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

const leaseKey = wrapper.VMLeaseKeyPrefix + ":sluice:test:plugin-a/root"

// electing is a plugin that stands for leader.
type electing struct {
	*harness
	ctx wrapper.PluginContext // that started last
}

// startElecting starts a plugin that stands for leader. prepare may be nil.
func startElecting(t *testing.T, prepare func(*hosttest.Host)) *electing {
	t.Helper()
	h := &electing{}
	h.harness = loadParsing(t, `{"a":1}`, wrapper.ParseConfig(func(gjson.Result, *config) error { return nil }),
		wrapper.PrePluginStartOrReload(func(c wrapper.PluginContext) error {
			c.DoLeaderElection()
			c.DoLeaderElection()
			h.ctx = c
			return nil
		}))
	h.Now = clockStart
	h.Properties["plugin_name"], h.Properties["plugin_root_id"] = "plugin-a", "root"
	if prepare != nil {
		prepare(h.Host)
	}
	if ok := h.configure(); !ok {
		t.Fatalf("the plugin refused its configuration: %q", h.Logs)
	}
	h.begin(streamID)
	return h
}

func (h *harness) wantLeader(ctx wrapper.PluginContext, want bool) {
	h.t.Helper()
	if ctx.IsLeader() != want {
		h.t.Fatalf("after %d ms: leader %v, log %q", h.elapsed(), !want, h.Logs)
	}
}

func (h *harness) holder() string { return gjson.Get(h.Shared[leaseKey].Value, "vmID").String() }

func TestLeader(t *testing.T) {
	h := startElecting(t, nil)
	// A VM that never ticks, as the one in which Envoy tries a configuration, takes nothing.
	h.wantLeader(h.ctx, false)
	if len(h.Shared) != 0 || h.Count("SetSharedData") != 0 {
		t.Fatalf("taken before the first tick: %v", h.Shared)
	}
	h.run(20*time.Millisecond, 0)
	h.wantLeader(h.ctx, true)
	if keys := slices.Collect(maps.Keys(h.Shared)); !slices.Equal(keys, []string{leaseKey}) {
		t.Fatalf("keys %q", keys)
	}
	ticks := h.run(10*time.Minute, time.Second)
	h.wantLeader(h.ctx, true)
	if ticks > 200 {
		t.Fatalf("%d ticks in 10 minutes", ticks)
	}
	// The VM stood still.
	h.pass(lease.Hold)
	h.wantLeader(h.ctx, false)
	if err := h.OnTick(rootID); err != nil {
		t.Fatal(err)
	}
	h.wantLeader(h.ctx, true)
	if len(h.Logs) != 1 || !strings.Contains(h.Logs[0], "leads") {
		t.Fatalf("log %q", h.Logs)
	}
}

func TestLeaderInAnotherVM(t *testing.T) {
	h := startElecting(t, func(h *hosttest.Host) {
		h.Shared[leaseKey] = hosttest.SharedValue{Value: `{"vmID":"other","timestamp":9999999999}`, CAS: 7}
	})
	for range 5 { // the other renews
		h.run(time.Duration(h.elapsed())*time.Millisecond+lease.Wait-time.Second, 0)
		h.wantLeader(h.ctx, false)
		v := h.Shared[leaseKey]
		v.CAS++
		h.Shared[leaseKey] = v
	}
	h.run(time.Duration(h.elapsed())*time.Millisecond+lease.Time, 0)
	h.wantLeader(h.ctx, true)
	// It comes back without having known.
	h.Shared[leaseKey] = hosttest.SharedValue{Value: `{"vmID":"other","timestamp":1}`, CAS: 1000}
	h.run(time.Duration(h.elapsed())*time.Millisecond+lease.Look, 0)
	h.wantLeader(h.ctx, false)
	if got := h.Logs[len(h.Logs)-1]; !strings.Contains(got, "leads no longer") {
		t.Fatalf("log %q", got)
	}
}

func TestReloadKeepsTheLease(t *testing.T) {
	const second = 9
	h := startElecting(t, nil)
	h.run(time.Second, 0)
	h.wantLeader(h.ctx, true)
	who := h.holder()
	if !h.configure() { // anew, in the same context
		t.Fatal("refused")
	}
	h.wantLeader(h.ctx, true)
	// In a new context, as on a gateway that has the old one until its last stream ends.
	first := h.ctx
	if err := h.OnContextCreate(second, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := h.OnConfigure(second, 0); !ok || err != nil {
		t.Fatal(ok, err)
	}
	h.wantLeader(h.ctx, true)
	if done, err := h.OnDone(rootID); !done || err != nil {
		t.Fatal(done, err)
	}
	h.wantLeader(h.ctx, true)
	h.wantLeader(first, false)
	h.pass(lease.Look)
	if err := h.OnTick(second); err != nil {
		t.Fatal(err)
	}
	h.pass(lease.Hold - 1)
	h.wantLeader(h.ctx, true)
	if h.holder() != who || who == "" {
		t.Fatalf("%q leads, %q did", h.holder(), who)
	}
	if done, err := h.OnDone(second); !done || err != nil {
		t.Fatal(done, err)
	}
	h.wantLeader(h.ctx, false)
	if h.holder() != "" {
		t.Fatalf("%q has not let go", h.holder())
	}
}

// TestRefusedConfigurationDoesNotLead holds that a plugin which does not start lets others lead.
func TestRefusedConfigurationDoesNotLead(t *testing.T) {
	var ctx wrapper.PluginContext
	h := loadParsing(t, ``, wrapper.ParseConfig(func(gjson.Result, *config) error { return errors.New("no") }),
		wrapper.PrePluginStartOrReload(func(c wrapper.PluginContext) error { ctx = c; c.DoLeaderElection(); return nil }))
	h.Now = clockStart
	if h.configure() {
		t.Fatal("not refused")
	}
	h.wantLeader(ctx, false)
	h.pass(time.Second)
	if err := h.OnTick(rootID); err != nil {
		t.Fatal(err)
	}
	if h.Tick != 0 || len(h.Shared) != 0 {
		t.Fatalf("timer %d ms, shared data %v", h.Tick, h.Shared)
	}
}

func TestFingerPrint(t *testing.T) {
	for _, tc := range []struct {
		name       string
		properties map[string]string
		want       string
	}{
		{"name", map[string]string{"plugin_name": "ns.a"}, "ns.a"},
		{"name and root id", map[string]string{"plugin_name": "ns.a", "plugin_root_id": "r"}, "ns.a/r"},
		{"root id", map[string]string{"plugin_root_id": "r"}, "/r"},
		{"neither", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := startElecting(t, func(h *hosttest.Host) { h.Properties = map[string]string{}; maps.Copy(h.Properties, tc.properties) })
			if got := h.ctx.GetFingerPrint(); got != tc.want || wrapper.GetPluginFingerPrint() != tc.want {
				t.Errorf("fingerprint %q, want %q", got, tc.want)
			}
			h.run(time.Second, 0)
			if _, ok := h.Shared[wrapper.VMLeaseKeyPrefix+":sluice:test:"+tc.want]; !ok {
				t.Errorf("shared data %v", h.Shared)
			}
		})
	}
}

func TestLeaderWithoutSharedData(t *testing.T) {
	h := startElecting(t, func(h *hosttest.Host) { h.Refuse["GetSharedData"] = abi.StatusUnimplemented })
	h.run(time.Minute, 0)
	h.wantLeader(h.ctx, false)
	if len(h.Logs) != 1 || !strings.HasPrefix(h.Logs[0], "error: ") || !strings.Contains(h.Logs[0], "lease") {
		t.Fatalf("log %q", h.Logs)
	}
}

func TestNobodyStands(t *testing.T) {
	var ctx wrapper.PluginContext
	h := start(t, ``, wrapper.PrePluginStartOrReload(func(c wrapper.PluginContext) error { ctx = c; return nil }))
	h.wantLeader(ctx, false)
	if h.Tick != 0 {
		t.Fatalf("timer %d ms", h.Tick)
	}
}
