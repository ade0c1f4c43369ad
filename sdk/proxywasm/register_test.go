//go:build !wasip1

package proxywasm_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// ownVM is a VM context that is not of zero size: each has its address.
type ownVM struct {
	types.DefaultVMContext
	n int
}

// startRegistered makes a plugin of what is registered, so that the test may register something else, and the tests
// after it too.
func startRegistered(t *testing.T) {
	t.Helper()
	once := func() { must(t, proxywasm.NewPlugin(hosttest.New()).(io.Closer).Close()) }
	once()
	t.Cleanup(once)
}

func TestRegisteringTwicePanics(t *testing.T) {
	registrations := map[string]func(){
		"SetVMContext":     func() { proxywasm.SetVMContext(&ownVM{}) },
		"SetPluginContext": func() { proxywasm.SetPluginContext(func(uint32) types.PluginContext { return nil }) },
		"SetHttpContext":   func() { proxywasm.SetHttpContext(func(uint32) types.HttpContext { return nil }) },
		"SetTcpContext":    func() { proxywasm.SetTcpContext(func(uint32) types.TcpContext { return nil }) },
	}
	for first, registerFirst := range registrations {
		for second, registerSecond := range registrations {
			t.Run(first+" "+second, func(t *testing.T) {
				startRegistered(t)
				registerFirst()
				before := proxywasm.GetVMContext()
				defer func() {
					want := second + " after proxywasm." + first
					if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
						t.Errorf("panic %q does not say %q", text, want)
					}
					if proxywasm.GetVMContext() != before {
						t.Error("the first registration is gone")
					}
				}()
				registerSecond()
			})
		}
	}
}

// TestRegisteringAgain holds that a test binary can try one plugin after another.
func TestRegisteringAgain(t *testing.T) {
	startRegistered(t)
	proxywasm.SetVMContext(&ownVM{n: 1})
	startRegistered(t)
	again := &ownVM{n: 2}
	proxywasm.SetVMContext(again)
	if proxywasm.GetVMContext() != types.VMContext(again) {
		t.Fatal("the second registration does not count")
	}
}

func TestNothingRegistered(t *testing.T) {
	startRegistered(t)
	proxywasm.SetVMContext(nil)
	host := hosttest.New()
	p := proxywasm.NewPlugin(host)
	defer p.(io.Closer).Close()
	must(t, p.OnContextCreate(rootID, 0))
	if ok, err := p.OnVMStart(rootID, 0); ok || err != nil {
		t.Fatalf("OnVMStart: %v %v, want false", ok, err)
	}
	want := []string{"error: nothing is registered: call wrapper.SetCtx (or proxywasm.SetVMContext) in an init function; " +
		"main is not run in a plugin"}
	if !slices.Equal(host.Logs, want) {
		t.Fatalf("logs %q, want %q", host.Logs, want)
	}
	// A host that goes on regardless is refused again.
	if ok, err := p.OnConfigure(rootID, 0); ok || err != nil {
		t.Fatalf("OnConfigure: %v %v, want false", ok, err)
	}
	must(t, p.OnDelete(rootID))
}
