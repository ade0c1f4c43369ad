package envoyconfig

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/sluice-gateway/sluice/gateway"
)

// translator makes the gateway's configuration of Envoy's, which has been decoded: each field is allowed by the table
// and has kept the constraints of Envoy's API. What is left are defaults and what fields mean together.
type translator struct {
	*decoder
	options
	// files are the contents of the files that were read, so that a module that several filters name is read once.
	files map[string][]byte
	// clusters are the names that routes may use.
	clusters map[string]bool
}

// Envoy's defaults.
const (
	defaultBufferLimit       = 1 << 20
	defaultStreamIdleTimeout = 5 * time.Minute
	defaultIdleTimeout       = time.Hour
	defaultMaxHeadersKiB     = 60
	defaultServerName        = "envoy"
	defaultRouteTimeout      = 15 * time.Second
	defaultConnectTimeout    = 5 * time.Second
	defaultDNSRefresh        = 5 * time.Second
	defaultDirectBodyLimit   = 4096
)

func (t *translator) bootstrap(b *bootstrapv3.Bootstrap) *gateway.Config {
	cfg := &gateway.Config{Node: gateway.Node{ID: b.GetNode().GetId(), Cluster: b.GetNode().GetCluster(),
		Metadata: b.GetNode().GetMetadata().AsMap()}}
	if len(cfg.Node.Metadata) == 0 {
		cfg.Node.Metadata = nil
	}
	if address := b.GetAdmin().GetAddress(); address != nil {
		cfg.AdminAddress = t.bindAddress(address, "admin.address")
	}
	resources := b.GetStaticResources()
	for i, c := range resources.GetClusters() {
		at := fmt.Sprintf("static_resources.clusters[%d]", i)
		if t.clusters[c.GetName()] {
			t.fail(at+".name", "there is another cluster %q", c.GetName())
		}
		t.clusters[c.GetName()] = true
		cfg.Clusters = append(cfg.Clusters, t.cluster(c, at))
	}
	names := map[string]bool{}
	for i, l := range resources.GetListeners() {
		at := fmt.Sprintf("static_resources.listeners[%d]", i)
		listener := t.listener(l, at)
		if names[listener.Name] {
			t.fail(at+".name", "there is another listener %q", listener.Name)
		}
		names[listener.Name] = true
		cfg.Listeners = append(cfg.Listeners, listener)
	}
	if len(resources.GetListeners()) == 0 {
		t.fail("static_resources.listeners", "there is no listener; nothing would be served")
	}
	return cfg
}

func (t *translator) listener(l *listenerv3.Listener, at string) gateway.Listener {
	listener := gateway.Listener{
		Name:        l.GetName(),
		BufferLimit: defaultBufferLimit,
		Metadata:    metadata(l.GetMetadata()),
		Direction:   gateway.TrafficDirection(l.GetTrafficDirection()),
	}
	if l.GetAddress() == nil {
		t.fail(at+".address", "is required")
	} else {
		listener.Address = t.bindAddress(l.GetAddress(), at+".address")
	}
	if listener.Name == "" {
		listener.Name = listener.Address
	}
	if limit := l.GetPerConnectionBufferLimitBytes(); limit != nil {
		listener.BufferLimit = limit.GetValue()
		if listener.BufferLimit == 0 {
			listener.BufferLimit = math.MaxUint32 // Envoy's 0 is no limit; the gateway's is the default
		}
	}
	if len(l.GetFilterChains()) != 1 {
		t.fail(at+".filter_chains", "has %d entries; one is expected", len(l.GetFilterChains()))
		return listener
	}
	t.networkFilters(&listener, l.GetFilterChains()[0].GetFilters(), at+".filter_chains[0].filters")
	return listener
}

// metadata is what plugins read of a part of the configuration, nil for nothing.
func metadata(m *corev3.Metadata) gateway.Metadata {
	if len(m.GetFilterMetadata()) == 0 {
		return nil
	}
	spaces := gateway.Metadata{}
	for name, values := range m.GetFilterMetadata() {
		spaces[name] = values.AsMap()
	}
	return spaces
}

// unpack takes the message out of an Any field at a path, and says at which path the message's fields are.
func (t *translator) unpack(a *anypb.Any, m proto.Message, at string) (string, bool) {
	if a == nil {
		t.fail(at, "is required")
		return at, false
	}
	if err := a.UnmarshalTo(m); err != nil {
		t.fail(at, "%v", err)
		return at, false
	}
	return t.bodies[at], true
}

// bindAddress is an address to listen on.
func (t *translator) bindAddress(a *corev3.Address, at string) string {
	s := a.GetSocketAddress()
	at = join(at, "socket_address")
	if net.ParseIP(s.GetAddress()) == nil {
		t.fail(at+".address", "%q is not an IP address; listeners bind to addresses, as 127.0.0.1, 0.0.0.0 or ::", s.GetAddress())
	}
	return t.hostPort(s, at)
}

func (t *translator) hostPort(s *corev3.SocketAddress, at string) string {
	if _, set := s.GetPortSpecifier().(*corev3.SocketAddress_PortValue); !set && s.GetPortSpecifier() != nil {
		t.fail(at, "port_value is required")
	}
	return net.JoinHostPort(s.GetAddress(), strconv.FormatUint(uint64(s.GetPortValue()), 10))
}

// duration is a timeout that may be left out; zero is a value of its own, and mostly means none.
func (t *translator) duration(d *durationpb.Duration, fallback time.Duration, at string) time.Duration {
	if d == nil {
		return fallback
	}
	if err := d.CheckValid(); err != nil {
		t.fail(at, "%v", err)
	}
	value := d.AsDuration()
	if value < 0 {
		t.fail(at, "is negative")
	}
	return value
}
