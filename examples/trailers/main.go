// Command trailers is a gateway plugin that checks a body against the digest in its trailers, and gives responses one.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"trailers",
		wrapper.ProcessRequestBody(onRequestBody),
		wrapper.ProcessRequestTrailers(onRequestTrailers),
		wrapper.ProcessStreamingResponseBody(onStreamingResponseBody),
		wrapper.ProcessResponseTrailers(onResponseTrailers),
	)
}

// config is the plugin's configuration: it has none.
type config struct{}

// digestTrailer is the trailer with the digest, SHA-256 in hexadecimal.
const digestTrailer = "x-body-sha256"

func onRequestBody(ctx wrapper.HttpContext, c config, body []byte) types.Action {
	sum := sha256.Sum256(body)
	ctx.SetContext("digest", hex.EncodeToString(sum[:]))
	return types.ActionContinue
}

// onRequestTrailers runs after onRequestBody, and before any of the request has gone on: the body is buffered.
func onRequestTrailers(ctx wrapper.HttpContext, c config) types.Action {
	want, err := proxywasm.GetHttpRequestTrailer(digestTrailer)
	if err != nil {
		return types.ActionContinue // no digest, nothing to check
	}
	if want != ctx.GetStringContext("digest", "") {
		if err := proxywasm.SendHttpResponse(400, nil, []byte("the body is not what its trailer says"), -1); err != nil {
			log.Errorf("answering 400: %v", err)
		}
		return types.ActionPause
	}
	return types.ActionContinue
}

// onStreamingResponseBody takes the digest of the pieces as they pass.
func onStreamingResponseBody(ctx wrapper.HttpContext, c config, chunk []byte, isLastChunk bool) []byte {
	sum, ok := ctx.GetContext("response").(hash.Hash)
	if !ok {
		sum = sha256.New()
		ctx.SetContext("response", sum)
	}
	sum.Write(chunk) // a hash takes everything
	if isLastChunk {
		ctx.SetContext("response digest", hex.EncodeToString(sum.Sum(nil)))
	}
	return chunk
}

// onResponseTrailers is called where the upstream sends trailers; a plugin that wants them on every response adds one in
// the last piece's function too.
func onResponseTrailers(ctx wrapper.HttpContext, c config) types.Action {
	digest := ctx.GetStringContext("response digest", "")
	if err := proxywasm.ReplaceHttpResponseTrailer(digestTrailer, digest); err != nil {
		log.Errorf("setting the trailer: %v", err)
	}
	return types.ActionContinue
}
