package wrapper

import (
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// httpContext is the handle that plugin code has of a stream. It is the stream's alone, so that one kept past the
// stream's end reaches nobody else's.
type httpContext struct {
	s *stream // nil when the stream has ended
}

var _ HttpContext = (*httpContext)(nil)

func (c *httpContext) pseudo(i int) string {
	if c.s == nil {
		return ""
	}
	return c.s.pseudo.get(i, c.s.phase)
}

// Scheme implements [HttpContext].
func (c *httpContext) Scheme() string { return c.pseudo(scheme) }

// Host implements [HttpContext].
func (c *httpContext) Host() string { return c.pseudo(authority) }

// Path implements [HttpContext].
func (c *httpContext) Path() string { return c.pseudo(path) }

// Method implements [HttpContext].
func (c *httpContext) Method() string { return c.pseudo(method) }

// SetContext implements [HttpContext].
func (c *httpContext) SetContext(key string, value any) {
	if c.s != nil {
		c.s.values.set(key, value)
	}
}

// GetContext implements [HttpContext].
func (c *httpContext) GetContext(key string) any {
	if c.s == nil {
		return nil
	}
	return c.s.values.get(key)
}

func contextValue[T any](c *httpContext, key string, otherwise T) T {
	if v, ok := c.GetContext(key).(T); ok {
		return v
	}
	return otherwise
}

// GetBoolContext implements [HttpContext].
func (c *httpContext) GetBoolContext(key string, defaultValue bool) bool {
	return contextValue(c, key, defaultValue)
}

// GetStringContext implements [HttpContext].
func (c *httpContext) GetStringContext(key, defaultValue string) string {
	return contextValue(c, key, defaultValue)
}

// GetIntContext implements [HttpContext].
func (c *httpContext) GetIntContext(key string, defaultValue int) int {
	return contextValue(c, key, defaultValue)
}

// GetByteSliceContext implements [HttpContext].
func (c *httpContext) GetByteSliceContext(key string, defaultValue []byte) []byte {
	return contextValue(c, key, defaultValue)
}

// DontReadRequestBody implements [HttpContext].
func (c *httpContext) DontReadRequestBody() { c.dontRead(request) }

// DontReadResponseBody implements [HttpContext].
func (c *httpContext) DontReadResponseBody() { c.dontRead(response) }

func (c *httpContext) dontRead(which int) {
	if c.s != nil {
		c.s.message[which].dontRead = true
	}
}

// BufferRequestBody implements [HttpContext].
func (c *httpContext) BufferRequestBody() { c.buffer(request) }

// BufferResponseBody implements [HttpContext].
func (c *httpContext) BufferResponseBody() { c.buffer(response) }

func (c *httpContext) buffer(which int) {
	if c.s != nil {
		c.s.message[which].forceBuffer = true
	}
}

// NeedPauseStreamingResponse implements [HttpContext].
func (c *httpContext) NeedPauseStreamingResponse() {
	if c.s != nil {
		c.s.paused = true
	}
}

// PushBuffer implements [HttpContext].
func (c *httpContext) PushBuffer(buffer []byte) {
	if c.s != nil {
		c.s.queue = append(c.s.queue, buffer)
	}
}

// PopBuffer implements [HttpContext].
func (c *httpContext) PopBuffer() []byte {
	if c.s == nil || len(c.s.queue) == 0 {
		return nil
	}
	b := c.s.queue[0]
	c.s.queue[0] = nil
	c.s.queue = c.s.queue[1:]
	return b
}

// BufferQueueSize implements [HttpContext].
func (c *httpContext) BufferQueueSize() int {
	if c.s == nil {
		return 0
	}
	return len(c.s.queue)
}

// DisableReroute implements [HttpContext].
func (c *httpContext) DisableReroute() {
	if c.s == nil {
		return
	}
	// The route may be unknown now, because a header was changed before (the SDK itself removes content-length where it
	// reads the body). Asking for its name has it chosen, so that it is this one that stays.
	_, _ = hostcall.BorrowProperty(abi.PropertyRouteName)
	c.setProperty(abi.PropertyClearRouteCache, "off")
}

// SetRequestBodyBufferLimit implements [HttpContext].
func (c *httpContext) SetRequestBodyBufferLimit(byteSize uint32) {
	c.setProperty(abi.PropertyDecoderBufferLimit, strconv.FormatUint(uint64(byteSize), 10))
}

// SetResponseBodyBufferLimit implements [HttpContext].
func (c *httpContext) SetResponseBodyBufferLimit(byteSize uint32) {
	c.setProperty(abi.PropertyEncoderBufferLimit, strconv.FormatUint(uint64(byteSize), 10))
}

func (c *httpContext) setProperty(name, value string) {
	if c.s == nil {
		return
	}
	if err := proxywasm.SetProperty([]string{name}, []byte(value)); err != nil {
		log.Error("cannot set " + name + ": " + err.Error())
	}
}

// GetExecutionPhase implements [HttpContext].
func (c *httpContext) GetExecutionPhase() HTTPExecutionPhase {
	if c.s == nil {
		return Done
	}
	return c.s.phase
}

// HasRequestBody implements [HttpContext].
func (c *httpContext) HasRequestBody() bool { return c.s != nil && c.s.message[request].follows }

// HasResponseBody implements [HttpContext].
func (c *httpContext) HasResponseBody() bool { return c.s != nil && c.s.message[response].follows }

// IsWebsocket implements [HttpContext].
func (c *httpContext) IsWebsocket() bool {
	if c.s == nil {
		return false
	}
	c.s.lookNow(request)
	return c.s.isWebsocket()
}

// IsBinaryRequestBody implements [HttpContext].
func (c *httpContext) IsBinaryRequestBody() bool { return c.isBinary(request) }

// IsBinaryResponseBody implements [HttpContext].
func (c *httpContext) IsBinaryResponseBody() bool { return c.isBinary(response) }

func (c *httpContext) isBinary(which int) bool {
	if c.s == nil {
		return false
	}
	c.s.lookNow(which)
	return c.s.message[which].binary
}
