package gateway

import "github.com/sluice-gateway/sluice/pluginhost"

// upstreamHosts implements terminus: the hosts of the cluster that the request's route leads to.
func (s *stream) upstreamHosts() []pluginhost.UpstreamHost {
	s.resolveRoute()
	c := s.l.cluster(s.info.clusterName)
	if c == nil {
		return nil
	}
	var hosts []pluginhost.UpstreamHost
	for _, e := range c.endpoints() {
		hosts = append(hosts, pluginhost.UpstreamHost{Address: e.address()})
	}
	return hosts
}

// setOverrideHost implements terminus.
func (s *stream) setOverrideHost(address string) { s.info.overrideHost = address }

// pickHost chooses the request's host: the one that a plugin asked for, or else whose turn it is. A host that was asked
// for is the only one that will do, as with Envoy's strict override.
func (s *stream) pickHost(c *cluster) (*endpoint, bool) {
	s.mu.Lock()
	override := s.info.overrideHost
	s.mu.Unlock()
	if override == "" {
		return c.pick()
	}
	for _, e := range c.endpoints() {
		if e.address() == override {
			return e, true
		}
	}
	return nil, false
}
