// Package sse takes a stream of server-sent events apart, and puts it together again: what a streaming body function does
// with the responses of language models, for example.
//
//	func onStreamingResponseBody(ctx wrapper.HttpContext, c config, chunk []byte, isLastChunk bool) []byte {
//		r := readerOf(ctx) // one for a stream, in its context
//		var out []byte
//		r.Feed(chunk, isLastChunk)
//		for r.Next() {
//			e := r.Event()
//			out = append(out, e.Raw...) // or AppendEvent, to send another in its place
//		}
//		return out
//	}
//
// Chunks are cut anywhere by servers and networks, within a line end or a character too. A [Reader] makes the same events
// of a stream however it is cut. The rules are those of the HTML standard, section "Server-sent events".
//
// [Lines] does the same for plain lines: a stream of JSON, say.
package sse
