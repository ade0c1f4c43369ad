//go:build !wasip1

package wrapper

import "github.com/sluice-gateway/sluice/sdk/internal/hostcall"

// AsInit runs f as a Go init function runs, before the process has had a plugin.
func AsInit(f func()) {
	instance := hostcall.Instance
	hostcall.Instance = 0
	f()
	hostcall.Instance = instance
}

// ForgetTicks takes back what AsInit registered.
func ForgetTicks() { ticking = nil }
