package wrapper

import (
	"strings"
	"syscall"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
)

// traits is what a request's headers say about it, once they were looked at.
type traits struct {
	looked    [2]bool
	websocket bool
}

// The lengths and first letters of the names that look looks for.
const (
	lookedLengths = 1<<len("content-length") | 1<<len("content-type") | 1<<len("content-encoding") |
		1<<len("connection") | 1<<len("upgrade")
	lookedLetters = 1<<('c'-'a') | 1<<('u'-'a')
)

// look takes from a message's headers what decides about its body.
func look(s *stream, which int) {
	m := &s.message[which]
	s.traits.looked[which] = true
	headers := hostcall.Headers(headerMaps[which])
	if len(headers) == 0 {
		lookOneByOne(s, which)
		return
	}
	m.lengthKnown = true
	var connection, upgrade bool
	for scan := headers.Scan(lookedLengths, lookedLetters); ; {
		k, v, ok := scan.Next()
		if !ok {
			break
		}
		switch string(k) {
		case "content-length":
			m.hasLength = true
		case "content-type":
			m.binary = m.binary || isBinaryType(v)
		case "content-encoding":
			m.binary = m.binary || binaryEncoding(hostcall.String(v))
		case "connection":
			connection = connection || containsFold(hostcall.String(v), "upgrade")
		case "upgrade":
			upgrade = upgrade || strings.EqualFold(hostcall.String(v), "websocket")
		}
	}
	if which == request {
		s.traits.websocket = connection && upgrade
	}
}

// lookOneByOne is look on a host that does not give the whole map.
func lookOneByOne(s *stream, which int) {
	header := func(key string) string {
		v, _ := hostcall.Header(headerMaps[which], key)
		return v
	}
	s.message[which].binary = binaryType(header("content-type")) || binaryEncoding(header("content-encoding"))
	if which == request {
		s.traits.websocket = containsFold(header("connection"), "upgrade") &&
			strings.EqualFold(header("upgrade"), "websocket")
	}
}

// lookNow looks if that was not done and the headers are there.
func (s *stream) lookNow(which int) {
	if !s.traits.looked[which] && (which == request && s.phase == DecodeHeader || which == response && s.phase == EncodeHeader) {
		look(s, which)
	}
}

func (s *stream) isWebsocket() bool { return s.traits.websocket }

// lastType is the content type that was looked at last, and what came out: there are few, and to search one costs more
// than to compare two.
var lastType struct {
	text   [64]byte
	n      int
	binary bool
}

// isBinaryType is binaryType for borrowed bytes.
func isBinaryType(contentType []byte) bool {
	last := &lastType
	if string(contentType) != string(last.text[:last.n]) || last.n == 0 {
		last.binary = binaryType(hostcall.String(contentType))
		if last.n = copy(last.text[:], contentType); last.n < len(contentType) {
			last.n = 0 // too long to be kept
			return last.binary
		}
	}
	return last.binary
}

func binaryType(contentType string) bool {
	return containsFold(contentType, "octet-stream") || containsFold(contentType, "grpc")
}

func binaryEncoding(encoding string) bool {
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// containsFold says whether s contains sub, which is in lower case and begins with a letter, in any case.
func containsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i]|0x20 == sub[0] && strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}

// HoldHeadersVariable is an environment variable of the VM. The value "true" says that the filter sets
// allow_on_headers_stop_iteration, which a plugin cannot find out for itself.
const HoldHeadersVariable = "SLUICE_HOLD_HEADERS"

// holdsHeaders says whether the host knows that StopIteration on headers holds the headers only. Others stop the body
// too, for ever: there headers must go ahead. Hosts that have the property below are newer than that rule.
func (p *pluginContext) holdsHeaders() bool {
	if p.holds == 0 {
		p.holds = -1
		if hostcall.Native {
			p.holds = 1
		} else if _, st := hostcall.BorrowProperty(abi.PropertyPluginVMMemory); st == abi.StatusOK {
			p.holds = 1
		} else if v, _ := syscall.Getenv(HoldHeadersVariable); v == "true" {
			p.holds = 1
		}
	}
	return p.holds > 0
}

// saidOnce keeps a VM from saying of its host more than once what is the same for all configurations.
var saidOnce bool

// sayWhatIsMissing says, where a plugin has functions for whole bodies, that the host does not hold headers for them.
func sayWhatIsMissing(p *pluginContext) {
	if p.plugin.headersAsReturned || p.plugin.on[request].body == nil && p.plugin.on[response].body == nil || p.holdsHeaders() {
		return
	}
	p.holds = 0 // the first stream asks again: a host may have the property for streams only
	if saidOnce {
		return
	}
	saidOnce = true
	log.Warn("this host does not hold headers while a body is read: they go ahead of it unchanged, and RouteCall answers an " +
		"error. Where the filter sets allow_on_headers_stop_iteration, say so with the environment variable " +
		HoldHeadersVariable + "=true")
}
