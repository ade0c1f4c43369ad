package wrapper

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// The pseudo headers of a request.
const (
	scheme = iota
	authority
	path
	method
	pseudoCount
)

var pseudoNames = [pseudoCount]string{":scheme", ":authority", ":path", ":method"}

// Where a pseudo header is read when the headers themselves have been let go.
var pseudoProperties = [pseudoCount]string{"request\x00scheme", "request\x00host", "request\x00path", "request\x00method"}

// pseudoHeaders remembers a request's pseudo headers. A plugin that has functions for later phases may ask for them
// there, where the host no longer has them, or has them changed: so they are noted when the headers come, in memory
// that is used again. They become strings when they are asked for.
type pseudoHeaders struct {
	text     []byte
	end      [pseudoCount]int // of each in text; captured only
	values   [pseudoCount]string
	known    [pseudoCount]bool // of values
	captured bool
}

// capture notes all of them.
func (p *pseudoHeaders) capture() {
	headers := hostcall.Headers(abi.MapHTTPRequestHeaders)
	if len(headers) == 0 {
		return // no whole map to be had: ask for each when it is wanted
	}
	for i, name := range pseudoNames {
		v, _ := headers.Find(name)
		p.text = append(p.text, v...)
		p.end[i] = len(p.text)
	}
	p.captured = true
}

func (p *pseudoHeaders) get(i int, phase HTTPExecutionPhase) string {
	if p.known[i] {
		return p.values[i]
	}
	var v string
	switch {
	case p.captured:
		start := 0
		if i > 0 {
			start = p.end[i-1]
		}
		v = hostcall.OwnString(p.text[start:p.end[i]])
	case phase == DecodeHeader:
		v, _ = hostcall.Header(abi.MapHTTPRequestHeaders, pseudoNames[i])
	default:
		b, _ := hostcall.BorrowProperty(pseudoProperties[i])
		v = hostcall.OwnString(b)
	}
	p.values[i], p.known[i] = v, true
	return v
}
