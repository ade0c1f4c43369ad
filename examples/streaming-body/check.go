package main

import (
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// withheld takes the place of what the checking service does not let pass, and ends the response.
const withheld = "[withheld]"

// checker has a response checked by a service before the client gets it, piece by piece, in order. Pieces that come while
// the service is busy wait in the stream's queue, and are checked together when it has answered.
type checker struct {
	cluster string
	busy    bool // the service has a piece
	last    bool // the response's end has come
	ended   bool // the client was given the end: nothing may follow
}

// checkerOf returns the checker of a stream's response.
func checkerOf(ctx wrapper.HttpContext, c config) *checker {
	if k, ok := ctx.GetContext("checker").(*checker); ok {
		return k
	}
	k := &checker{cluster: c.checkCluster}
	ctx.SetContext("checker", k)
	return k
}

// take puts a piece into the queue.
func (k *checker) take(ctx wrapper.HttpContext, piece []byte, last bool) {
	if len(piece) > 0 {
		ctx.PushBuffer(piece)
	}
	k.last = last
	k.next(ctx)
}

// next has what waits in the queue checked, or ends the response if nothing more will come.
func (k *checker) next(ctx wrapper.HttpContext) {
	if k.busy || k.ended {
		return
	}
	var waiting []byte
	for ctx.BufferQueueSize() > 0 {
		waiting = append(waiting, ctx.PopBuffer()...)
	}
	if len(waiting) == 0 {
		if k.last {
			k.inject(nil, true)
		}
		return
	}
	headers := [][2]string{{":method", "POST"}, {":path", "/check"}, {":authority", "check"}}
	_, err := proxywasm.DispatchHttpCall(k.cluster, headers, waiting, nil, 1000, func(numHeaders, bodySize, numTrailers int) {
		k.busy = false
		if !allowed() {
			k.inject([]byte(withheld), true)
			return
		}
		k.inject(waiting, k.last && ctx.BufferQueueSize() == 0)
		k.next(ctx)
	})
	if err != nil {
		// No callback will come. What was not checked does not go out.
		log.Errorf("calling the checking service: %v", err)
		k.inject([]byte(withheld), true)
		return
	}
	k.busy = true
}

// allowed says whether the service's answer is a yes.
func allowed() bool {
	headers, err := proxywasm.GetHttpCallResponseHeaders()
	if err != nil {
		return false // there was no answer
	}
	for _, h := range headers {
		if h[0] == ":status" {
			return h[1] == "200"
		}
	}
	return false
}

// inject sends bytes to the client.
func (k *checker) inject(piece []byte, end bool) {
	k.ended = end
	if err := proxywasm.InjectEncodedDataToFilterChain(piece, end); err != nil {
		log.Errorf("sending %d bytes to the client: %v", len(piece), err)
	}
}
