package gateway

import (
	"context"
	"net/netip"
)

// resolver finds the addresses of a name. *net.Resolver is one. It is asked by one goroutine of each DNS cluster.
type resolver interface {
	// LookupNetIP returns the addresses of host; network is "ip", "ip4" or "ip6".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// lookup resolves host as cfg's address family says. Without a restriction it answers IPv6 addresses where there are
// any, else IPv4 addresses, as Envoy's AUTO.
func lookup(ctx context.Context, r resolver, cfg *Cluster, host string) ([]netip.Addr, error) {
	network := "ip"
	switch {
	case cfg.IPv4Only:
		network = "ip4"
	case cfg.IPv6Only:
		network = "ip6"
	}
	found, err := r.LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, err
	}
	var v4, v6 []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			v4 = append(v4, a)
		} else if a.IsValid() {
			v6 = append(v6, a)
		}
	}
	if cfg.IPv4Only || len(v6) == 0 && !cfg.IPv6Only {
		return v4, nil
	}
	return v6, nil
}
