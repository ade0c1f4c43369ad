package envoyconfig

import (
	"fmt"

	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	// The router's message, for the registry.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"

	"github.com/sluice-gateway/sluice/gateway"
)

func (t *translator) manager(m *managerv3.HttpConnectionManager, at string) gateway.HTTPConnectionManager {
	common := at + ".common_http_protocol_options"
	manager := gateway.HTTPConnectionManager{
		StatPrefix:            m.GetStatPrefix(),
		SchemeOverwrite:       m.GetSchemeHeaderTransformation().GetSchemeToOverwrite(),
		StreamIdleTimeout:     t.duration(m.GetStreamIdleTimeout(), defaultStreamIdleTimeout, at+".stream_idle_timeout"),
		RequestTimeout:        t.duration(m.GetRequestTimeout(), 0, at+".request_timeout"),
		RequestHeadersTimeout: t.duration(m.GetRequestHeadersTimeout(), 0, at+".request_headers_timeout"),
		IdleTimeout:           t.duration(m.GetCommonHttpProtocolOptions().GetIdleTimeout(), defaultIdleTimeout, common+".idle_timeout"),
		MaxRequestHeadersKiB:  defaultMaxHeadersKiB,
		EnableTrailers:        m.GetHttpProtocolOptions().GetEnableTrailers(),
		ServerName:            m.GetServerName(),
		GenerateRequestID:     true,
		UseRemoteAddress:      m.GetUseRemoteAddress().GetValue(),
	}
	if manager.IdleTimeout == 0 {
		manager.IdleTimeout = -1 // Envoy's 0 is none; the gateway's is the default
	}
	if kib := m.GetMaxRequestHeadersKb(); kib != nil {
		manager.MaxRequestHeadersKiB = kib.GetValue()
	}
	if generate := m.GetGenerateRequestId(); generate != nil {
		manager.GenerateRequestID = generate.GetValue()
	}
	if manager.ServerName == "" {
		manager.ServerName = defaultServerName
	}
	switch m.GetServerHeaderTransformation() {
	case managerv3.HttpConnectionManager_APPEND_IF_ABSENT:
		manager.ServerHeaderIfAbsent = true
	case managerv3.HttpConnectionManager_PASS_THROUGH:
		manager.ServerHeaderPassThrough = true
	}
	for i, log := range m.GetAccessLog() {
		if l, ok := t.accessLog(log, fmt.Sprintf("%s.access_log[%d]", at, i)); ok {
			manager.AccessLogs = append(manager.AccessLogs, l)
		}
	}
	if m.GetRouteConfig() == nil {
		t.fail(at+".route_config", "is required")
	} else {
		manager.Routes = t.routeConfiguration(m.GetRouteConfig(), at+".route_config")
	}
	manager.Filters = t.httpFilters(m.GetHttpFilters(), at+".http_filters")
	return manager
}

// routerName is the name by which Envoy once knew the router without its type.
const routerName = "envoy.filters.http.router"

func (t *translator) httpFilters(filters []*managerv3.HttpFilter, at string) []gateway.Filter {
	const wanted = "; the last HTTP filter is to be the router, {name: " + routerName +
		", typed_config: {\"@type\": type.googleapis.com/" + typeRouter + "}}"
	if len(filters) == 0 {
		t.fail(at, "there are no filters%s", wanted)
		return nil
	}
	var chain []gateway.Filter
	names := map[string]bool{}
	for i, f := range filters {
		filterAt := fmt.Sprintf("%s[%d]", at, i)
		if t.isRouter(f, filterAt) {
			if i != len(filters)-1 {
				t.fail(filterAt, "the router ends the chain, so no filter can stand behind it; move it to the end")
			}
			continue
		}
		if i == len(filters)-1 {
			t.fail(filterAt, "is not the router%s", wanted)
		}
		if names[f.GetName()] {
			// Envoy allows it; but per-route configuration and errors tell filters apart by name.
			t.warn(filterAt+".name", "there is another filter %q; errors cannot tell the two apart", f.GetName())
		}
		names[f.GetName()] = true
		if f.GetTypedConfig() == nil {
			t.fail(filterAt+".typed_config", "is required")
			continue
		}
		filter := &wasmv3.Wasm{}
		if wasmAt, ok := t.unpack(f.GetTypedConfig(), filter, filterAt+".typed_config"); ok {
			chain = append(chain, gateway.Filter{Name: f.GetName(), Wasm: t.plugin(filter.GetConfig(), f.GetName(), wasmAt+".config")})
		}
	}
	return chain
}

func (t *translator) isRouter(f *managerv3.HttpFilter, at string) bool {
	if f.GetTypedConfig() == nil && f.GetName() == routerName {
		t.warn(at, "the router stands without its typed_config, which Envoy since 1.22 refuses; add {\"@type\": type.googleapis.com/%s}", typeRouter)
		return true
	}
	return f.GetTypedConfig().GetTypeUrl() == "type.googleapis.com/"+typeRouter
}
