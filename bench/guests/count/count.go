// Package count has a benchmark's guest tell how much it has allocated. Both SDKs leave the callback
// proxy_on_foreign_function alone; here it answers the host with three metrics.
package count

// Allocations makes the module that calls it answer.
func Allocations() {}

// The metrics.
const (
	Mallocs = iota + 1
	Bytes
	Collections
)
