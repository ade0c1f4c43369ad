package wrapper

import (
	"net/http"

	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// The clusters that clients call.
type (
	Cluster         = wrapper.Cluster
	RouteCluster    = wrapper.RouteCluster
	TargetCluster   = wrapper.TargetCluster
	K8sCluster      = wrapper.K8sCluster
	NacosCluster    = wrapper.NacosCluster
	StaticIpCluster = wrapper.StaticIpCluster
	DnsCluster      = wrapper.DnsCluster
	ConsulCluster   = wrapper.ConsulCluster
	FQDNCluster     = wrapper.FQDNCluster
)

// ResponseCallback takes the response of a call.
type ResponseCallback func(statusCode int, responseHeaders http.Header, responseBody []byte)

// sdk returns the callback for the SDK, which does without net/http.
func (callback ResponseCallback) sdk() wrapper.ResponseCallback {
	if callback == nil {
		return nil
	}
	return func(statusCode int, responseHeaders wrapper.Header, responseBody []byte) {
		callback(statusCode, http.Header(responseHeaders), responseBody)
	}
}

// HttpCall makes an HTTP call.
func HttpCall(cluster Cluster, method, rawURL string, headers [][2]string, body []byte,
	callback ResponseCallback, timeoutMillisecond ...uint32,
) error {
	return wrapper.HttpCall(cluster, method, rawURL, headers, body, callback.sdk(), timeoutMillisecond...)
}

// HttpClient calls a cluster. Package wrapper of the Sluice SDK says how; the callback takes another type here.
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
	Call(method, rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error
	ClusterName() string
}

// ClusterClient is the [HttpClient] for a cluster.
type ClusterClient[C Cluster] struct{ cluster C }

var _ HttpClient = ClusterClient[Cluster]{}

// NewClusterClient returns a client for HTTP calls to cluster.
func NewClusterClient[C Cluster](cluster C) *ClusterClient[C] {
	return &ClusterClient[C]{cluster}
}

// ClusterName returns the cluster's name.
func (c ClusterClient[C]) ClusterName() string { return c.cluster.ClusterName() }

// Call implements [HttpClient].
func (c ClusterClient[C]) Call(method, rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, method, rawURL, headers, body, cb, timeoutMillisecond...)
}

// Get implements [HttpClient].
func (c ClusterClient[C]) Get(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodGet, rawURL, headers, nil, cb, timeoutMillisecond...)
}

// Head implements [HttpClient].
func (c ClusterClient[C]) Head(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodHead, rawURL, headers, nil, cb, timeoutMillisecond...)
}

// Options implements [HttpClient].
func (c ClusterClient[C]) Options(rawURL string, headers [][2]string, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodOptions, rawURL, headers, nil, cb, timeoutMillisecond...)
}

// Post implements [HttpClient].
func (c ClusterClient[C]) Post(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodPost, rawURL, headers, body, cb, timeoutMillisecond...)
}

// Put implements [HttpClient].
func (c ClusterClient[C]) Put(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodPut, rawURL, headers, body, cb, timeoutMillisecond...)
}

// Patch implements [HttpClient].
func (c ClusterClient[C]) Patch(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodPatch, rawURL, headers, body, cb, timeoutMillisecond...)
}

// Delete implements [HttpClient].
func (c ClusterClient[C]) Delete(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodDelete, rawURL, headers, body, cb, timeoutMillisecond...)
}

// Connect implements [HttpClient].
func (c ClusterClient[C]) Connect(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodConnect, rawURL, headers, body, cb, timeoutMillisecond...)
}

// Trace implements [HttpClient].
func (c ClusterClient[C]) Trace(rawURL string, headers [][2]string, body []byte, cb ResponseCallback, timeoutMillisecond ...uint32) error {
	return HttpCall(c.cluster, http.MethodTrace, rawURL, headers, body, cb, timeoutMillisecond...)
}
