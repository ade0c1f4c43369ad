package proxytest

import (
	"bytes"
	"fmt"
	"log"
	"slices"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// callouts are the calls of one kind, HTTP or Redis, that are not answered. C is a call, R an answer.
type callouts[C, R any] struct {
	next    uint32
	pending []callout[C]
	answer  *R // of the call whose callback is running
}

type callout[C any] struct {
	id, context uint32
	call        C
}

type httpResponse struct {
	headers, trailers headerMap
	body              []byte
}

// add notes a call of context.
func (c *callouts[C, R]) add(context uint32, call func(id uint32) C) uint32 {
	id := c.next
	c.next++
	c.pending = append(c.pending, callout[C]{id, context, call(id)})
	return id
}

// of lists the calls of context.
func (c *callouts[C, R]) of(context uint32) []C {
	var list []C
	for _, p := range c.pending {
		if p.context == context {
			list = append(list, p.call)
		}
	}
	return list
}

// respond answers call id by callback, and takes it off the list.
func (c *callouts[C, R]) respond(id uint32, answer *R, callback func()) {
	is := func(p callout[C]) bool { return p.id == id }
	if !slices.ContainsFunc(c.pending, is) {
		panic(fmt.Sprintf("proxytest: no call %d is waiting for an answer", id))
	}
	outer := c.answer
	c.answer = answer
	defer func() {
		c.answer = outer
		c.pending = slices.DeleteFunc(c.pending, is)
	}()
	callback()
}

// GetCalloutAttributesFromContext implements [HostEmulator].
func (e *emulator) GetCalloutAttributesFromContext(contextID uint32) []HttpCalloutAttribute {
	return e.httpCalls.of(contextID)
}

// GetRedisCalloutAttributesFromContext implements [HostEmulator].
func (e *emulator) GetRedisCalloutAttributesFromContext(contextID uint32) []RedisCalloutAttribute {
	return e.redisCalls.of(contextID)
}

// CallOnHttpCallResponse implements [HostEmulator].
func (e *emulator) CallOnHttpCallResponse(calloutID uint32, headers [][2]string, trailers [][2]string, body []byte) {
	answer := &httpResponse{lowerKeys(headers), lowerKeys(trailers), body}
	e.httpCalls.respond(calloutID, answer, func() {
		e.run(PluginContextID, func(p abi.Plugin) error {
			return p.OnHTTPCallResponse(PluginContextID, calloutID, uint32(len(headers)), uint32(len(body)), uint32(len(trailers)))
		})
	})
}

// CallOnRedisCallResponse implements [HostEmulator].
func (e *emulator) CallOnRedisCallResponse(calloutID uint32, status int32, response []byte) {
	e.redisCalls.respond(calloutID, &response, func() {
		e.run(PluginContextID, func(p abi.Plugin) error {
			return p.OnRedisCallResponse(PluginContextID, calloutID, uint32(status), uint32(len(response)))
		})
	})
}

// HTTPCall implements [abi.Host].
func (e *emulator) HTTPCall(cluster []byte, headers abi.Pairs, body []byte, trailers abi.Pairs, timeoutMillis uint32) (uint32, abi.Status) {
	if headers.Validate() != nil || trailers.Validate() != nil {
		return 0, abi.StatusBadArgument
	}
	id := e.httpCalls.add(e.active, func(id uint32) HttpCalloutAttribute {
		return HttpCalloutAttribute{
			CalloutID: id,
			Upstream:  string(cluster),
			Headers:   pairList(headers),
			Trailers:  pairList(trailers),
			Body:      append([]byte{}, body...),
		}
	})
	log.Printf("[http call %d to %s] timeout %d ms, headers %v, body %q", id, cluster, timeoutMillis, pairList(headers), body)
	return id, abi.StatusOK
}

// RedisInit implements [abi.Host]: every cluster is there.
func (e *emulator) RedisInit(cluster, username, _ []byte, timeoutMillis uint32) abi.Status {
	log.Printf("[redis init of %s] user %q, timeout %d ms", cluster, username, timeoutMillis)
	return abi.StatusOK
}

// RedisCall implements [abi.Host].
func (e *emulator) RedisCall(cluster, query []byte) (uint32, abi.Status) {
	id := e.redisCalls.add(e.active, func(id uint32) RedisCalloutAttribute {
		return RedisCalloutAttribute{CalloutID: id, Upstream: string(cluster), Query: bytes.Clone(query)}
	})
	log.Printf("[redis call %d to %s] %q", id, cluster, query)
	return id, abi.StatusOK
}
