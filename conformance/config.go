package conformance

import (
	"fmt"
	"strings"
)

// ports are where a case's servers are.
type ports struct{ listener, upstream, backend int }

// usualFormat is the access log of a case that gives none.
const usualFormat = "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% in %BYTES_RECEIVED% out %BYTES_SENT%"

// configuration makes the one configuration of all cases. Both gateways are given these bytes.
func configuration(cases []*Case, at map[string]ports, module, accessLog string, admin int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "node: {id: conformance, cluster: conformance}\nadmin:\n  address: %s\nstatic_resources:\n  listeners:\n", address(admin))
	for _, c := range cases {
		c.writeListener(&b, at[c.Name], module, accessLog)
	}
	b.WriteString("  clusters:\n")
	for _, c := range cases {
		c.writeCluster(&b, c.Name, at[c.Name].upstream, c.sections["cluster"])
		c.writeCluster(&b, c.Name+"-backend", at[c.Name].backend, "")
	}
	return b.String()
}

func address(port int) string {
	return fmt.Sprintf("{socket_address: {address: 127.0.0.1, port_value: %d}}", port)
}

func (c *Case) writeListener(b *strings.Builder, at ports, module, accessLog string) {
	format := usualFormat
	if f := strings.TrimSpace(c.sections["format"]); f != "" {
		format = f
	}
	fmt.Fprintf(b, `  - name: %s
    address: %s
%s    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: %s
          codec_type: AUTO
%s          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: %q
              log_format: {text_format_source: {inline_string: %q}}
          route_config:
            virtual_hosts:
%s          http_filters:
`, c.Name, address(at.listener), indent(c.sections["listener"], 4), c.Name, indent(c.hcm(), 10), accessLog,
		c.Name+" "+format+"\n", indent(c.routes(), 12))
	for i, script := range c.Scripts {
		name := c.Name
		if i > 0 {
			name = fmt.Sprintf("%s#%d", c.Name, i+1)
		}
		vm := "conformance"
		if c.ownVM() {
			vm = c.Name
		}
		fmt.Fprintf(b, `          - name: %s
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: %s
%s                allow_on_headers_stop_iteration: true
                configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: %q}
                vm_config: {vm_id: %s, runtime: envoy.wasm.runtime.v8, code: {local: {filename: %q}}}
`, name, name, indent(c.sections["plugin"], 16), script, vm, module)
	}
	b.WriteString(`          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
`)
}

// ownVM: a case whose plugin may die must not take the others with it.
func (c *Case) ownVM() bool {
	all := strings.Join(c.Scripts, "\n")
	return strings.TrimSpace(c.sections["vm"]) == "own" || strings.Contains(all, "  trap") || strings.Contains(all, "  loop")
}

// hcm is what the connection manager has beside the usual: HTTP/1 trailers, unless the case says otherwise.
func (c *Case) hcm() string {
	if s := c.sections["hcm"]; strings.Contains(s, "http_protocol_options") {
		return s
	}
	return c.sections["hcm"] + "http_protocol_options: {enable_trailers: true}\n"
}

func (c *Case) routes() string {
	if r, ok := c.sections["routes"]; ok {
		return r
	}
	return fmt.Sprintf("- name: %s\n  domains: [\"*\"]\n  routes:\n  - match: {prefix: /}\n    route: {cluster: %s}\n", c.Name, c.Name)
}

func (c *Case) writeCluster(b *strings.Builder, name string, port int, more string) {
	fmt.Fprintf(b, `  - name: %s
    type: STATIC
    connect_timeout: 1s
%s    load_assignment:
      cluster_name: %s
      endpoints: [{lb_endpoints: [{endpoint: {address: %s}}]}]
`, name, indent(c.clusterOptions(more), 4), name, address(port))
}

// clusterOptions has trailers pass on HTTP/1, unless the case gives the protocol itself.
func (c *Case) clusterOptions(more string) string {
	if strings.Contains(more, "typed_extension_protocol_options") {
		return more
	}
	return more + `typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {enable_trailers: true}}
`
}

// indent moves text n to the right.
func indent(text string, n int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.Repeat(" ", n))
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	return b.String()
}
