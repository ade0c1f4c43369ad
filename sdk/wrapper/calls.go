package wrapper

import (
	"errors"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Why a call-out is not begun. The error that says so names the cluster, and wraps what the host answered too (package
// types), so errors.Is finds either.
var (
	// ErrCallRefused: the gateway has no such cluster, or does not take such a call.
	ErrCallRefused = errors.New("unknown cluster or malformed call")
	// ErrCallFailed: the cluster has no healthy host, or the plugin has too many calls under way. Some hosts answer so
	// too where a call failed before the host call returned.
	ErrCallFailed = errors.New("no healthy host or too many calls")
)

// callError is a call-out that was not begun.
type callError struct {
	what, cluster string
	kind, status  error
}

func (e *callError) Error() string {
	text := e.what + " to cluster " + strconv.Quote(e.cluster) + ": "
	if e.kind != nil {
		text += e.kind.Error() + ": "
	}
	return text + e.status.Error()
}

func (e *callError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.status}
	}
	return []error{e.kind, e.status}
}

// callFailed makes an error of a host call's.
func callFailed(what, cluster string, status error) error {
	e := &callError{what: what, cluster: cluster, status: status}
	switch status {
	case types.ErrorStatusBadArgument, types.ErrorStatusNotFound:
		e.kind = ErrCallRefused
	case types.ErrorInternalFailure:
		e.kind = ErrCallFailed
	}
	return e
}
