package sse_test

import (
	"bytes"
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/sse"
)

// A body function gets a stream in chunks that are cut anywhere, and returns what takes their place.
func ExampleReader() {
	var r sse.Reader // in a plugin, kept in the stream's context
	onChunk := func(chunk []byte, isLastChunk bool) []byte {
		var out []byte
		r.Feed(chunk, isLastChunk)
		for r.Next() {
			e := r.Event()
			if !bytes.Contains(e.Data, []byte("secret")) {
				out = append(out, e.Raw...) // as it came
				continue
			}
			e.Data = bytes.ReplaceAll(e.Data, []byte("secret"), []byte("******"))
			out = sse.AppendEvent(out, e)
		}
		return out
	}
	fmt.Printf("%q\n", onChunk([]byte("data: hello\r\n\r\nda"), false))
	fmt.Printf("%q\n", onChunk([]byte("ta: a sec"), false))
	fmt.Printf("%q\n", onChunk([]byte("ret\n\n"), true))
	// Output:
	// "data: hello\r\n\r\n"
	// ""
	// "data: a ******\n\n"
}
