package wrapper

import (
	"errors"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// defaultCallTimeout is the timeout of calls that name none, in milliseconds: a plugin's call holds a request up, so one
// that takes long is taken for failed.
const defaultCallTimeout = 500

// ErrURL says that the URL of a call cannot be sent.
var ErrURL = errors.New("malformed URL")

// ResponseCallback takes the response of a call. Without a whole response (it broke off, or its time was up after its
// headers had come) statusCode is 502 and responseHeaders is empty, which no real response's is: it has at least
// ":status". A call that had no response at all has the gateway's own, 503, or 504 where its time was up. A status that
// is no number is 500.
//
// It runs when the request's callback has returned, on the request that made the call: proxywasm's functions are about
// that. Headers and body are the callback's to keep.
type ResponseCallback func(statusCode int, responseHeaders Header, responseBody []byte)

// HttpClient calls a cluster. Its methods differ in the request's method only; all do as [HttpCall] says.
type HttpClient interface {
	Get(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Head(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Options(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Post(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Put(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Patch(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Delete(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Connect(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	Trace(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	// Call is the others for any method.
	Call(method, rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	// ClusterName returns the name of the cluster that is called.
	ClusterName() string
}

// ClusterClient is the [HttpClient] for a cluster. It has no state: keep one in the configuration, or make one for a call.
type ClusterClient[C Cluster] struct {
	cluster C
}

var _ HttpClient = ClusterClient[Cluster]{}

// NewClusterClient returns a client for a cluster.
func NewClusterClient[C Cluster](cluster C) *ClusterClient[C] {
	return &ClusterClient[C]{cluster: cluster}
}

// Get implements [HttpClient].
func (c ClusterClient[C]) Get(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "GET", rawURL, headers, nil, cb, timeoutMillisecond...)
}

// Head implements [HttpClient].
func (c ClusterClient[C]) Head(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "HEAD", rawURL, headers, nil, cb, timeoutMillisecond...)
}

// Options implements [HttpClient].
func (c ClusterClient[C]) Options(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "OPTIONS", rawURL, headers, nil, cb, timeoutMillisecond...)
}

// Post implements [HttpClient].
func (c ClusterClient[C]) Post(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "POST", rawURL, headers, body, cb, timeoutMillisecond...)
}

// Put implements [HttpClient].
func (c ClusterClient[C]) Put(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "PUT", rawURL, headers, body, cb, timeoutMillisecond...)
}

// Patch implements [HttpClient].
func (c ClusterClient[C]) Patch(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "PATCH", rawURL, headers, body, cb, timeoutMillisecond...)
}

// Delete implements [HttpClient].
func (c ClusterClient[C]) Delete(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "DELETE", rawURL, headers, body, cb, timeoutMillisecond...)
}

// Connect implements [HttpClient].
func (c ClusterClient[C]) Connect(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "CONNECT", rawURL, headers, body, cb, timeoutMillisecond...)
}

// Trace implements [HttpClient].
func (c ClusterClient[C]) Trace(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, "TRACE", rawURL, headers, body, cb, timeoutMillisecond...)
}

// Call implements [HttpClient].
func (c ClusterClient[C]) Call(method, rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, method, rawURL, headers, body, cb, timeoutMillisecond...)
}

// ClusterName implements [HttpClient].
func (c ClusterClient[C]) ClusterName() string { return c.cluster.ClusterName() }

// HttpCall sends a request to a cluster. The request that the plugin works on goes on meanwhile unless the plugin stops
// it (types.HeaderStopAllIterationAndWatermark in a header phase, types.ActionPause in a body phase) and resumes it, or
// answers it, in the callback.
//
// If HttpCall returns nil, the callback comes exactly once, unless the request is over by then: a client may leave. If it
// returns an error, none comes, and the plugin must not wait for it. The error wraps [ErrURL], [ErrCallRefused] or
// [ErrCallFailed].
//
// rawURL is a path, with a query or without, or an absolute URL, whose authority then is the call's; without one it is
// the cluster's HostName, or "unknownhost". What begins with "/" is a path, "//" included. Path and query are sent as
// they are, %2F, %20 and dots included; only a space becomes %20, and what follows "#" stays here, as always in HTTP. The
// scheme of an absolute URL changes nothing: whether a connection is encrypted is the cluster's affair.
//
// headers are sent as they are, except host and pseudo headers, which the arguments say; of those only :scheme may be
// given. Neither list nor body is changed or kept.
//
// The timeout is in milliseconds, 500 by default: a call holds a request up. 0 is none: then the cluster's own limits
// are what there is.
//
// What is sent may hold secrets: it is not logged. At level debug there is a line with method, cluster and path when a
// call begins, and one with the status when it has ended.
func HttpCall(cluster Cluster, method, rawURL string, headers [][2]string, body []byte, callback ResponseCallback, timeoutMillisecond ...uint32) error {
	authority, path, err := splitURL(rawURL)
	if err != nil {
		return &callError{what: "http call", cluster: cluster.ClusterName(), status: err}
	}
	if authority == "" {
		authority = either(cluster.HostName(), "unknownhost")
	}
	timeout := uint32(defaultCallTimeout)
	if len(timeoutMillisecond) > 0 {
		timeout = timeoutMillisecond[0]
	}
	all := make([][2]string, 3, 3+len(headers))
	all[0], all[1], all[2] = [2]string{":method", method}, [2]string{":path", path}, [2]string{":authority", authority}
	for _, h := range headers {
		if !ownedByCall(h[0]) {
			all = append(all, h)
		}
	}
	name := cluster.ClusterName()
	answer := func(_, bodySize, _ int) { httpAnswer(name, bodySize, callback) }
	if log.Enabled(abi.LogDebug) {
		log.Debug("http call: " + method + " " + withoutQuery(path) + " to cluster " + strconv.Quote(name))
	}
	if _, err := proxywasm.DispatchHttpCall(name, all, body, nil, timeout, answer); err != nil {
		return callFailed("http call", name, err)
	}
	return nil
}

// ownedByCall says whether a header is said by the arguments of a call, and not by its list of headers.
func ownedByCall(name string) bool {
	if name != "" && name[0] == ':' {
		return !equalFold(name, ":scheme")
	}
	return equalFold(name, "host")
}

// httpAnswer hands a call's answer over.
func httpAnswer(cluster string, bodySize int, callback ResponseCallback) {
	status, headers := 502, Header{}
	list, err := proxywasm.GetHttpCallResponseHeaders()
	if err == nil {
		headers = make(Header, len(list))
		for _, h := range list {
			headers.add(h[0], h[1])
		}
		if text := headers[":status"]; len(text) > 0 {
			if status, err = strconv.Atoi(text[0]); err != nil {
				status = 500
			}
		}
	}
	if log.Enabled(abi.LogDebug) {
		log.Debug("http call: " + strconv.Itoa(status) + " from cluster " + strconv.Quote(cluster))
	}
	if callback == nil {
		return
	}
	var body []byte
	if bodySize > 0 {
		if body, err = proxywasm.GetHttpCallResponseBody(0, bodySize); err != nil {
			// A part that is taken for the whole would be wrong in ways that nobody sees.
			log.Error("http call: the body of a response cannot be read: " + err.Error())
			status, headers = 502, Header{}
		}
	}
	callback(status, headers, body)
}
