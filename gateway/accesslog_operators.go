package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// newLogCommand makes the command of an operator. What it does not know it refuses, so that no log silently lacks what
// it was to have.
func newLogCommand(op operator) (*logCommand, error) {
	c := &logCommand{limit: op.limit}
	var err error
	switch op.name {
	case "START_TIME":
		c.appendTo, err = startTimeCommand(op.args)
		return c, err
	case "REQ":
		c.appendTo, err = headerCommand(op, accessLogEntry.requestHeader)
		return c, err
	case "RESP":
		c.appendTo, err = headerCommand(op, accessLogEntry.responseHeader)
		return c, err
	case "TRAILER":
		c.appendTo, err = headerCommand(op, accessLogEntry.responseTrailer)
		return c, err
	case "FILTER_STATE":
		c.appendTo, err = filterStateCommand(op)
		return c, err
	}
	if op.hasArgs {
		return nil, errors.New("takes no parameters in ()")
	}
	if c.appendTo = numberCommand(op.name); c.appendTo != nil {
		c.number = op.limit < 0
		return c, nil
	}
	if c.appendTo = textCommand(op.name); c.appendTo == nil {
		return nil, errors.New("this command operator is not known")
	}
	return c, nil
}

type appendValue = func(dst []byte, e accessLogEntry) ([]byte, bool)

// numberCommand returns the operators whose values are numbers, nil for any other.
func numberCommand(name string) appendValue {
	count := func(value func(accessLogEntry) int64) appendValue {
		return func(dst []byte, e accessLogEntry) ([]byte, bool) { return strconv.AppendInt(dst, value(e), 10), true }
	}
	milliseconds := func(value func(accessLogEntry) (time.Duration, bool)) appendValue {
		return func(dst []byte, e accessLogEntry) ([]byte, bool) {
			d, ok := value(e)
			if !ok {
				return dst, false
			}
			return strconv.AppendInt(dst, d.Milliseconds(), 10), true
		}
	}
	switch name {
	case "RESPONSE_CODE":
		return count(func(e accessLogEntry) int64 { return int64(e.responseCode()) })
	case "BYTES_RECEIVED":
		return count(accessLogEntry.bytesReceived)
	case "BYTES_SENT":
		return count(accessLogEntry.bytesSent)
	case "CONNECTION_ID":
		return count(func(e accessLogEntry) int64 { return int64(e.connectionID()) })
	case "DURATION":
		return milliseconds(accessLogEntry.duration)
	case "REQUEST_DURATION":
		return milliseconds(accessLogEntry.requestDuration)
	case "RESPONSE_DURATION":
		return milliseconds(accessLogEntry.responseDuration)
	case "DOWNSTREAM_REMOTE_PORT", "DOWNSTREAM_DIRECT_REMOTE_PORT":
		return addressCommand(accessLogEntry.downstreamRemote, addressPort)
	case "DOWNSTREAM_LOCAL_PORT":
		return addressCommand(accessLogEntry.downstreamLocal, addressPort)
	}
	return nil
}

// textCommand returns the operators whose values are texts, nil for any other.
func textCommand(name string) appendValue {
	text := func(value func(accessLogEntry) string) appendValue {
		return func(dst []byte, e accessLogEntry) ([]byte, bool) {
			v := value(e)
			return append(dst, v...), v != ""
		}
	}
	switch name {
	case "PROTOCOL":
		return text(accessLogEntry.protocol)
	case "RESPONSE_CODE_DETAILS":
		return func(dst []byte, e accessLogEntry) ([]byte, bool) {
			v, ok := e.responseCodeDetails()
			return append(dst, v...), ok
		}
	case "RESPONSE_FLAGS":
		return text(accessLogEntry.responseFlags)
	case "UPSTREAM_HOST":
		return text(accessLogEntry.upstreamHost)
	case "UPSTREAM_CLUSTER":
		return text(accessLogEntry.upstreamCluster)
	case "UPSTREAM_TRANSPORT_FAILURE_REASON":
		return text(accessLogEntry.upstreamTransportFailure)
	case "ROUTE_NAME":
		return text(accessLogEntry.routeName)
	case "VIRTUAL_CLUSTER_NAME", "REQUESTED_SERVER_NAME":
		// There are no virtual clusters, and no TLS that would tell a server name.
		return text(func(accessLogEntry) string { return "" })
	case "HOSTNAME":
		host, _ := os.Hostname()
		return text(func(accessLogEntry) string { return host })
	case "DOWNSTREAM_REMOTE_ADDRESS", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS":
		return addressCommand(accessLogEntry.downstreamRemote, addressWhole)
	case "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT":
		return addressCommand(accessLogEntry.downstreamRemote, addressHost)
	case "DOWNSTREAM_LOCAL_ADDRESS":
		return addressCommand(accessLogEntry.downstreamLocal, addressWhole)
	case "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT":
		return addressCommand(accessLogEntry.downstreamLocal, addressHost)
	}
	return nil
}

type addressPart uint8

const (
	addressWhole addressPart = iota
	addressHost
	addressPort
)

func addressCommand(value func(accessLogEntry) net.Addr, part addressPart) appendValue {
	return func(dst []byte, e accessLogEntry) ([]byte, bool) {
		a := value(e)
		if a == nil {
			return dst, false
		}
		text := a.String()
		if part == addressWhole {
			return append(dst, text...), text != ""
		}
		host, port, err := net.SplitHostPort(text)
		if err != nil {
			return dst, false
		}
		if part == addressHost {
			return append(dst, host...), true
		}
		return append(dst, port...), true
	}
}

// headerCommand makes REQ, RESP and TRAILER: (NAME) or (NAME?ALTERNATIVE).
func headerCommand(op operator, value func(accessLogEntry, string) (string, bool)) (appendValue, error) {
	name, alternative, hasAlternative := strings.Cut(strings.ToLower(op.args), "?")
	if !validHeaderName(name) || hasAlternative && !validHeaderName(alternative) {
		return nil, fmt.Errorf("(%s) is not a header's name, nor two with a ? between", op.args)
	}
	return func(dst []byte, e accessLogEntry) ([]byte, bool) {
		v, ok := value(e, name)
		if !ok && hasAlternative {
			v, ok = value(e, alternative)
		}
		return append(dst, v...), ok
	}, nil
}

// validHeaderName reports whether s names a header or a pseudo header.
func validHeaderName(s string) bool { return validToken(strings.TrimPrefix(s, ":")) }

// filterStateCommand makes FILTER_STATE: (KEY:PLAIN) is the value as it is, (KEY) and (KEY:TYPED) the value as JSON.
func filterStateCommand(op operator) (appendValue, error) {
	key, kind, _ := strings.Cut(op.args, ":")
	if key == "" {
		return nil, errors.New("needs (KEY) or (KEY:PLAIN)")
	}
	switch kind {
	case "PLAIN":
		return func(dst []byte, e accessLogEntry) ([]byte, bool) {
			v, ok := e.filterState(key)
			return append(dst, v...), ok
		}, nil
	case "", "TYPED":
		return func(dst []byte, e accessLogEntry) ([]byte, bool) {
			v, ok := e.filterState(key)
			if !ok {
				return dst, false
			}
			return appendJSONString(dst, string(v)), true
		}, nil
	}
	return nil, fmt.Errorf("(%s): %q is not supported, only PLAIN and TYPED", op.args, kind)
}
