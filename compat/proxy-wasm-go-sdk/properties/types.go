package properties

import (
	"errors"
	"fmt"
	"time"
)

// EnvoyTrafficDirection is the direction of a listener's traffic.
type EnvoyTrafficDirection int

// The directions.
const (
	EnvoyTrafficDirectionUnspecified EnvoyTrafficDirection = iota
	EnvoyTrafficDirectionInbound
	EnvoyTrafficDirectionOutbound
)

// String returns the direction as Envoy's configuration names it.
func (t EnvoyTrafficDirection) String() string {
	switch t {
	case EnvoyTrafficDirectionInbound:
		return "INBOUND"
	case EnvoyTrafficDirectionOutbound:
		return "OUTBOUND"
	}
	return "UNSPECIFIED"
}

// GetListenerDirection returns the property listener_direction.
func GetListenerDirection() (EnvoyTrafficDirection, error) {
	n, err := number("listener_direction")
	return EnvoyTrafficDirection(n), err
}

// EnvoyLocality is where the gateway runs.
type EnvoyLocality struct {
	Region  string
	Zone    string
	Subzone string
}

// GetNodeLocality returns the properties of node.locality that have a value. It fails if none has.
func GetNodeLocality() (EnvoyLocality, error) {
	var l EnvoyLocality
	var errs []error
	for name, value := range map[string]*string{"region": &l.Region, "zone": &l.Zone, "sub_zone": &l.Subzone} {
		var err error
		if *value, err = text("node", "locality", name); err != nil {
			errs = append(errs, err)
		}
	}
	if l.Subzone == "" { // gateways say sub_zone, the published function reads subzone
		l.Subzone, _ = text("node", "locality", "subzone")
	}
	if l == (EnvoyLocality{}) {
		return l, errors.Join(errs...)
	}
	return l, nil
}

// EnvoyExtension is an extension that the gateway has.
type EnvoyExtension struct {
	Name     string
	Category string
	TypeUrls []string
}

// GetNodeExtensions returns the property node.extensions.
func GetNodeExtensions() ([]EnvoyExtension, error) {
	list, err := textList("node", "extensions")
	if err != nil {
		return []EnvoyExtension{}, err
	}
	extensions := make([]EnvoyExtension, 0, len(list))
	for _, message := range list {
		texts, err := decodeProtoTexts([]byte(message))
		if err != nil {
			return extensions, fmt.Errorf("property node.extensions: %w", err)
		}
		var e EnvoyExtension
		for i, t := range texts {
			switch i {
			case 0:
				e.Name = t
			case 1:
				e.Category = t
			default:
				e.TypeUrls = append(e.TypeUrls, t)
			}
		}
		extensions = append(extensions, e)
	}
	return extensions, nil
}

// GetNodeClientFeatures returns the property node.client_features, a list.
func GetNodeClientFeatures() ([]string, error) {
	list, err := protoTexts("node", "client_features")
	if err != nil {
		return []string{}, err
	}
	return list, nil
}

// GetRequestTime returns the property request.time, in UTC.
func GetRequestTime() (time.Time, error) { return timestamp("request", "time") }

// IstioFilterMetadata is what Istio's control plane says of a cluster, a route, a listener or a host.
type IstioFilterMetadata struct {
	Config   string
	Services []IstioService
}

// IstioService is a service of a mesh.
type IstioService struct {
	Host      string
	Name      string
	Namespace string
}

// istioMetadata returns nothing, and no error, where there is no such metadata.
func istioMetadata(path ...string) (IstioFilterMetadata, error) {
	var m IstioFilterMetadata
	config, err := text(append(path[:len(path):len(path)], "config")...)
	if err != nil {
		return m, nil //nolint:nilerr // most gateways have none
	}
	m.Config = config
	services, err := textList(append(path[:len(path):len(path)], "services")...)
	if err != nil {
		return m, nil //nolint:nilerr // as above
	}
	for _, s := range services {
		fields, err := decodeMap([]byte(s))
		if err != nil {
			return m, fmt.Errorf("istio services: %w", err)
		}
		m.Services = append(m.Services, IstioService{Host: fields["host"], Name: fields["name"], Namespace: fields["namespace"]})
	}
	return m, nil
}

// IstioProxyStatsMatcher says which statistics a proxy of a mesh has.
type IstioProxyStatsMatcher struct {
	InclusionPrefixes []string
	InclusionRegexps  []string
	InclusionSuffixes []string
}

// GetNodeProxyConfigProxyStatsMatcher returns the properties of proxyStatsMatcher that have a value. It fails if none
// has.
func GetNodeProxyConfigProxyStatsMatcher() (IstioProxyStatsMatcher, error) {
	var m IstioProxyStatsMatcher
	var errs []error
	for name, list := range map[string]*[]string{
		"inclusionPrefixes": &m.InclusionPrefixes, "inclusionRegexps": &m.InclusionRegexps, "inclusionSuffixes": &m.InclusionSuffixes,
	} {
		var err error
		if *list, err = textList("node", "metadata", "PROXY_CONFIG", "proxyStatsMatcher", name); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 3 {
		return m, errors.Join(errs...)
	}
	return m, nil
}

// IstioTrafficInterceptionMode is how a mesh's proxy gets its workload's traffic.
type IstioTrafficInterceptionMode int

// The modes.
const (
	IstioTrafficInterceptionModeNone IstioTrafficInterceptionMode = iota
	IstioTrafficInterceptionModeTproxy
	// IstioTrafficInterceptionModeRedirect is Istio's default.
	IstioTrafficInterceptionModeRedirect
)

// String returns the mode as Istio's configuration names it; an unknown one is the default.
func (t IstioTrafficInterceptionMode) String() string {
	switch t {
	case IstioTrafficInterceptionModeNone:
		return "NONE"
	case IstioTrafficInterceptionModeTproxy:
		return "TPROXY"
	}
	return "REDIRECT"
}

// ParseIstioTrafficInterceptionMode is the reverse of String. An unknown name is an error, and the default.
func ParseIstioTrafficInterceptionMode(s string) (IstioTrafficInterceptionMode, error) {
	for _, m := range []IstioTrafficInterceptionMode{IstioTrafficInterceptionModeNone, IstioTrafficInterceptionModeTproxy, IstioTrafficInterceptionModeRedirect} {
		if m.String() == s {
			return m, nil
		}
	}
	return IstioTrafficInterceptionModeRedirect, fmt.Errorf("%q is no traffic interception mode", s)
}

// GetNodeMetaInterceptionMode returns the property node.metadata.INTERCEPTION_MODE.
func GetNodeMetaInterceptionMode() (IstioTrafficInterceptionMode, error) {
	s, err := text("node", "metadata", "INTERCEPTION_MODE")
	if err != nil {
		return IstioTrafficInterceptionModeRedirect, err
	}
	return ParseIstioTrafficInterceptionMode(s)
}
