package pluginhost

import (
	"encoding/json"
	"net/netip"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// hostState is what a plugin is told of a host, as JSON: plugins that balance load themselves take only hosts that are
// "Healthy", and read "metrics".
type hostState struct {
	HealthStatus string `json:"health_status"`
	Metrics      string `json:"metrics,omitempty"`
}

// GetUpstreamHosts implements [abi.Host].
func (v *vm) GetUpstreamHosts(dst []byte) ([]byte, abi.Status) {
	if v.stream == nil {
		return dst, abi.StatusNotFound
	}
	var pairs [][2]string
	size := 0
	for _, h := range v.stream.cb.UpstreamHosts() {
		// A struct of strings has a form in JSON.
		state, _ := json.Marshal(hostState{"Healthy", h.Metrics})
		pairs = append(pairs, [2]string{h.Address, string(state)})
		size += len(h.Address) + len(state) + 64
	}
	if !v.allow(size) {
		return dst, abi.StatusInternalFailure
	}
	if len(pairs) == 0 {
		return dst, abi.StatusOK
	}
	return abi.AppendPairs(dst, pairs), abi.StatusOK
}

// SetUpstreamOverrideHost implements [abi.Host].
func (v *vm) SetUpstreamOverrideHost(address []byte) abi.Status {
	if v.stream == nil || len(address) > maxName {
		return abi.StatusBadArgument
	}
	a, err := netip.ParseAddrPort(string(address))
	if err != nil {
		return abi.StatusBadArgument
	}
	v.stream.cb.SetUpstreamOverrideHost(a.String())
	return abi.StatusOK
}
