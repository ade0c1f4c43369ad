// Command probe is package probe as a module.
package main

import "github.com/sluice-gateway/sluice/plugintest/internal/probe"

func main() {}

func init() { probe.Register() }
