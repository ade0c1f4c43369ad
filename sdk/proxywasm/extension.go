package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Extensions of Higress and Sluice. A module that uses them does not load on other hosts.

// InjectEncodedDataToFilterChain sends body bytes to the client, past this plugin. Response headers that the plugin holds
// go first. endStream ends the response.
func InjectEncodedDataToFilterChain(body []byte, endStream bool) error {
	return statusError(hostcall.InjectEncodedData(body, endStream))
}

// GetUpstreamHosts returns the hosts of the route's cluster: address, and metrics in text form or "". No hosts are
// types.ErrorStatusNotFound.
func GetUpstreamHosts() ([][2]string, error) {
	pairs, st := hostcall.GetUpstreamHosts()
	if st != abi.StatusOK {
		return nil, statusError(st)
	}
	list := pairList(pairs)
	if list == nil {
		return nil, types.ErrorStatusNotFound
	}
	return list, nil
}

// SetUpstreamOverrideHost makes the router prefer the host with this address. It must come before the router has seen
// the request's headers: hold them until then.
func SetUpstreamOverrideHost(address []byte) error {
	return statusError(hostcall.SetUpstreamOverrideHost(address))
}
