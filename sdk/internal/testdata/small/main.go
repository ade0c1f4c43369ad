// A plugin that wants its VM to be smaller than a VM can be.
package main

import "github.com/sluice-gateway/sluice/sdk/wrapper"

func main() {}

func init() { wrapper.SetCtx("small", wrapper.WithRebuildMaxMemBytes(1<<20)) }
