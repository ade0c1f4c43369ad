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
	noted  abi.Pairs // none: ask the host
	values [pseudoCount]string
	known  [pseudoCount]bool // of values
}

// A map of this many bytes is noted whole: to copy it costs less than to pick from it.
const notedWhole = 1 << 10

// note notes all of them. Where there is no whole map to be had, each is asked for when it is wanted.
func (p *pseudoHeaders) note() {
	headers := hostcall.Headers(abi.MapHTTPRequestHeaders)
	if len(headers) > notedWhole {
		var n int
		if p.noted, n = headers.AppendPseudo(p.noted[:0]); n == pseudoCount {
			return
		}
	}
	p.noted = append(p.noted[:0], headers...)
}

func (p *pseudoHeaders) get(i int, phase HTTPExecutionPhase) string {
	if p.known[i] {
		return p.values[i]
	}
	var v string
	switch {
	case len(p.noted) > 0:
		b, _ := p.noted.Find(pseudoNames[i])
		v = hostcall.OwnString(b)
	case phase == DecodeHeader:
		v, _ = hostcall.Header(abi.MapHTTPRequestHeaders, pseudoNames[i])
	default:
		b, _ := hostcall.BorrowProperty(pseudoProperties[i])
		v = hostcall.OwnString(b)
	}
	p.values[i], p.known[i] = v, true
	return v
}
