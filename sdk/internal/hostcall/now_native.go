//go:build !wasip1

package hostcall

import (
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Now returns the time as the host has it, which in tests need not be the real one.
func Now() time.Time {
	if nanos, st := host.CurrentTimeNanoseconds(); st == abi.StatusOK {
		return time.Unix(0, int64(nanos))
	}
	return time.Now()
}
