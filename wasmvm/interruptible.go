package wasmvm

import "github.com/sluice-gateway/sluice/wasmvm/fuel"

// interruptible rewrites a module so that it calls yieldFunction every so often.
func interruptible(code []byte) ([]byte, error) {
	return fuel.Rewrite(code, fuel.Options{YieldModule: yieldModule, YieldName: yieldName})
}
