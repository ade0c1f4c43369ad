package plugintest

import (
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/sluice-gateway/sluice/envoyconfig"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// Option is a choice that [Start] is given.
type Option func(*options)

type options struct {
	plugin   pluginhost.Config
	source   string
	listener gateway.Listener
	upstream http.Handler
	timeout  time.Duration
	backends []backend
	misuse   bool
	clock    *fakeClock
	routes   []gateway.Route // before route
	route    string
	cluster  string
	workers  int
	errs     []error

	node gateway.Node
	// routeMetadata and clusterMetadata are of the route and the cluster that requests take.
	routeMetadata, clusterMetadata gateway.Metadata
}

// Config is the plugin's configuration: JSON, which it gets as it is, or YAML, which it gets as JSON. Text that is no
// object in either it gets as it is too, to refuse it or not. Rules are part of it, under _rules_.
func Config(text string) Option {
	return func(o *options) {
		o.plugin.Configuration = []byte(text)
		if json.Valid(o.plugin.Configuration) {
			return
		}
		if converted, err := envoyconfig.PluginConfiguration("plugintest.Config", o.plugin.Configuration); err == nil {
			o.plugin.Configuration = converted
		}
	}
}

// ConfigFile takes the plugin's configuration from a file, JSON or YAML, as `sluice run --config` does.
func ConfigFile(path string) Option {
	return func(o *options) {
		data, err := os.ReadFile(path)
		if err == nil {
			data, err = envoyconfig.PluginConfiguration(path, data)
		}
		o.plugin.Configuration = data
		o.errs = append(o.errs, err)
	}
}

// VMConfig is what the plugin reads when its VM starts.
func VMConfig(text string) Option {
	return func(o *options) { o.plugin.VMConfiguration = []byte(text) }
}

// Name is the plugin's name (property plugin_name); default the test's name.
func Name(name string) Option { return func(o *options) { o.plugin.Name = name } }

// Source is what is run in mode [Wasm]: a directory of plugin source, or a .wasm file. The default is the package under
// test.
func Source(path string) Option { return func(o *options) { o.source = path } }

// BufferLimit is how many bytes of a body may be buffered for the plugin; default 1 MiB, as Envoy's.
func BufferLimit(bytes uint32) Option { return func(o *options) { o.listener.BufferLimit = bytes } }

// Trailers lets the gateway pass trailers on.
func Trailers() Option { return func(o *options) { o.listener.HTTP.EnableTrailers = true } }

// AllowMisuse lets calls pass that come at a moment at which they can have no effect: a resume that nobody waits for, a
// second local reply, a reply after the stream's end. Without it they fail the test.
func AllowMisuse() Option { return func(o *options) { o.misuse = true } }

// FailOpen lets requests pass when the plugin is dead; without it they are answered 503.
func FailOpen() Option { return func(o *options) { o.plugin.FailurePolicy = pluginhost.FailOpen } }

// Upstream answers the requests that reach the upstream. The default answers 200 with the request's body.
func Upstream(h http.Handler) Option { return func(o *options) { o.upstream = h } }

// Route and Cluster name the route that every request takes, and the cluster behind it (properties route_name and
// cluster_name); default "route" and "cluster".
func Route(name string) Option { return func(o *options) { o.route = name } }

// Cluster is described with [Route].
func Cluster(name string) Option { return func(o *options) { o.cluster = name } }

// Deadline bounds each of the plugin's callbacks; default 1 s, negative none. Natively there is none, and a
// positive one is refused.
func Deadline(d time.Duration) Option { return func(o *options) { o.plugin.CallbackDeadline = d } }

// Timeout is how long a request, or a step of one, may take before the test fails; default 10 s.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }
