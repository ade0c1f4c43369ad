// Package gateway is the data plane: listeners take HTTP requests, a filter chain of plugins sees them and their
// responses, a route table chooses the cluster that answers, an access log tells of it. Its rules are Envoy's, and so are
// the names of its parts; where it differs, a test says why.
//
// [New] checks a [Config], [Gateway.Start] serves it, [Gateway.Shutdown] drains it.
package gateway
