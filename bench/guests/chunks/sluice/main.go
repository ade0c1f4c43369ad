// The streaming plugin, written for Sluice's SDK: it changes each piece of a response's body, and adds to the last.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

type config struct {
	value string
}

func main() {}

func init() {
	count.Allocations()
	wrapper.SetCtx(
		"chunks",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessStreamingResponseBody(onChunk),
	)
}

func parseConfig(json gjson.Result, config *config) error {
	config.value = json.Get("value").String()
	return nil
}

func onChunk(ctx wrapper.HttpContext, config config, chunk []byte, isLastChunk bool) []byte {
	if len(chunk) > 0 {
		chunk[0] = 'D'
	}
	if isLastChunk {
		chunk = append(chunk, config.value...)
	}
	return chunk
}
