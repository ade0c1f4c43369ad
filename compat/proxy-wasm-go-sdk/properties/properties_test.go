package properties

import (
	"encoding/binary"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// get calls a getter and forgets its type.
func get[T any](f func() (T, error)) func() (any, error) {
	return func() (any, error) { return f() }
}

func number8(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

func pairs(list ...[2]string) string { return string(abi.AppendPairs(nil, list)) }

func list(texts ...string) string {
	var l [][2]string
	for _, t := range texts {
		l = append(l, [2]string{t, ""})
	}
	return pairs(l...)
}

// emulate makes a gateway that has properties, paths with their segments joined by NUL.
func emulate(t *testing.T, properties map[string]string) {
	t.Helper()
	opt := proxytest.NewEmulatorOption()
	for path, value := range properties {
		opt.WithProperty([]string{path}, []byte(value))
	}
	host, reset := proxytest.NewHostEmulator(opt)
	t.Cleanup(reset)
	host.StartPlugin()
}

func TestGetters(t *testing.T) {
	const matcher = "node\x00metadata\x00PROXY_CONFIG\x00proxyStatsMatcher\x00"
	for name, test := range map[string]struct {
		properties map[string]string
		get        func() (any, error)
		want       any
	}{
		"text":          {map[string]string{"request\x00path": "/a"}, get(GetRequestPath), "/a"},
		"empty text":    {map[string]string{"request\x00query": ""}, get(GetRequestQuery), ""},
		"number":        {map[string]string{"response\x00code": number8(404)}, get(GetResponseCode), uint64(404)},
		"true":          {map[string]string{"connection\x00mtls": "\x01"}, get(IsDownstreamConnectionTls), true},
		"false":         {map[string]string{"connection\x00mtls": "\x00"}, get(IsDownstreamConnectionTls), false},
		"no boolean":    {map[string]string{"connection\x00mtls": ""}, get(IsDownstreamConnectionTls), false},
		"float":         {map[string]string{"node\x00metadata\x00ENVOY_STATUS_PORT": number8(math.Float64bits(15021))}, get(GetNodeMetaEnvoyStatusPort), 15021.0},
		"time":          {map[string]string{"request\x00time": number8(1_000_000_001)}, get(GetRequestTime), time.Unix(1, 1).UTC()},
		"map":           {map[string]string{"request\x00headers": pairs([2]string{"a", "1"}, [2]string{"b", ""})}, get(GetRequestHeaders), map[string]string{"a": "1", "b": ""}},
		"empty map":     {map[string]string{"response\x00trailers": ""}, get(GetResponseTrailers), map[string]string{}},
		"list":          {map[string]string{"node\x00listening_addresses": list("a", "b")}, get(GetNodeListeningAddresses), []string{"a", "b"}},
		"features":      {map[string]string{"node\x00client_features": "\x52\x01a\x52\x02bc"}, get(GetNodeClientFeatures), []string{"a", "bc"}},
		"extensions":    {map[string]string{"node\x00extensions": list("\x0a\x01n\x12\x01c\x2a\x01t", "")}, get(GetNodeExtensions), []EnvoyExtension{{"n", "c", []string{"t"}}, {}}},
		"direction":     {map[string]string{"listener_direction": number8(2)}, get(GetListenerDirection), EnvoyTrafficDirectionOutbound},
		"locality":      {map[string]string{"node\x00locality\x00zone": "z", "node\x00locality\x00sub_zone": "s"}, get(GetNodeLocality), EnvoyLocality{Zone: "z", Subzone: "s"}},
		"other subzone": {map[string]string{"node\x00locality\x00subzone": "s"}, get(GetNodeLocality), EnvoyLocality{Subzone: "s"}},
		"mode":          {map[string]string{"node\x00metadata\x00INTERCEPTION_MODE": "TPROXY"}, get(GetNodeMetaInterceptionMode), IstioTrafficInterceptionModeTproxy},
		"matcher":       {map[string]string{matcher + "inclusionRegexps": list("r")}, get(GetNodeProxyConfigProxyStatsMatcher), IstioProxyStatsMatcher{InclusionRegexps: []string{"r"}}},
		"no metadata":   {nil, get(GetXdsClusterMetadata), IstioFilterMetadata{}},
		"only config":   {map[string]string{"xds\x00route_metadata\x00filter_metadata\x00istio\x00config": "c"}, get(GetXdsRouteMetadata), IstioFilterMetadata{Config: "c"}},
		"metadata": {map[string]string{
			"xds\x00cluster_metadata\x00filter_metadata\x00istio\x00config":   "c",
			"xds\x00cluster_metadata\x00filter_metadata\x00istio\x00services": list(pairs([2]string{"host", "h"}, [2]string{"name", "n"}, [2]string{"namespace", "s"})),
		}, get(GetXdsClusterMetadata), IstioFilterMetadata{Config: "c", Services: []IstioService{{"h", "n", "s"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			emulate(t, test.properties)
			if got, err := test.get(); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%#v, %v, want %#v", got, err, test.want)
			}
		})
	}
}

func TestNoValue(t *testing.T) {
	emulate(t, nil)
	for name, get := range map[string]func() (any, error){
		"text": get(GetRequestPath), "number": get(GetResponseCode), "list": get(GetNodeListeningAddresses),
		"map": get(GetRequestHeaders), "features": get(GetNodeClientFeatures), "extensions": get(GetNodeExtensions),
		"time": get(GetRequestTime), "mode": get(GetNodeMetaInterceptionMode), "direction": get(GetListenerDirection),
	} {
		if got, err := get(); err != types.ErrorStatusNotFound {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, get := range map[string]func() (any, error){
		"locality": get(GetNodeLocality), "matcher": get(GetNodeProxyConfigProxyStatsMatcher),
	} {
		if got, err := get(); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A value of another type is an error, never a panic.
func TestBadValues(t *testing.T) {
	emulate(t, map[string]string{
		"response\x00code": "404", "connection\x00mtls": "yes", "request\x00headers": "x", "request\x00time": "",
		"node\x00listening_addresses": "\x01\x00\x00\x00", "node\x00client_features": "\x52\x09a",
		"node\x00extensions": list("\x0a\x09n"), "node\x00metadata\x00INTERCEPTION_MODE": "SOME",
		"xds\x00route_metadata\x00filter_metadata\x00istio\x00config":   "c",
		"xds\x00route_metadata\x00filter_metadata\x00istio\x00services": list("\x09"),
	})
	for name, get := range map[string]func() (any, error){
		"number": get(GetResponseCode), "boolean": get(IsDownstreamConnectionTls), "map": get(GetRequestHeaders),
		"time": get(GetRequestTime), "list": get(GetNodeListeningAddresses), "features": get(GetNodeClientFeatures),
		"extensions": get(GetNodeExtensions), "mode": get(GetNodeMetaInterceptionMode), "metadata": get(GetXdsRouteMetadata),
	} {
		if got, err := get(); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"UNSPECIFIED": EnvoyTrafficDirection(7).String(), "INBOUND": EnvoyTrafficDirectionInbound.String(),
		"OUTBOUND": EnvoyTrafficDirectionOutbound.String(), "REDIRECT": IstioTrafficInterceptionMode(7).String(),
		"NONE": IstioTrafficInterceptionModeNone.String(),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add([]byte(list("\x0a\x01n")))
	f.Add([]byte("\x52\x01a"))
	f.Add([]byte(number8(1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			t.Skip("long enough")
		}
		if texts, err := decodeProtoTexts(b); err == nil {
			n := 0
			for _, s := range texts {
				n += len(s)
			}
			if n > len(b) {
				t.Errorf("%q has more text than there are bytes", texts)
			}
		}
		if l, err := decodeList(b); err == nil {
			if m, err := decodeMap(b); err != nil || len(m) > len(l) {
				t.Errorf("%q as a list, %q as a map: %v", l, m, err)
			}
		}
	})
}
