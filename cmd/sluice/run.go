package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/envoyconfig"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

const runUsage = `
sluice run serves HTTP through a plugin. Stop it with Ctrl-C: requests in flight are finished first.

Usage:
  sluice run [flags] DIR          build the plugin whose source is in DIR, and run it
  sluice run [flags] FILE.wasm    run a module that is built already
  sluice run [flags] -c FILE      run the gateway of an Envoy bootstrap configuration (YAML or JSON)
`

const runExamples = `
Examples:
  sluice run ./hello
      builds ./hello and listens on 127.0.0.1:10000. Requests that the plugin lets
      through reach a built-in upstream, which answers what it received as JSON.

  sluice run ./hello --config '{"name": "world"}' --upstream http://127.0.0.1:8080
      gives the plugin a configuration and sends requests on to a server of yours.

  sluice run hello.wasm --config hello.yaml --listen 127.0.0.1:0 --log-level debug
      takes the configuration from a file (YAML is turned into JSON), and a free port.

  sluice run -c envoy.yaml
      serves what Envoy would serve with this file. A field that is not implemented
      is an error that names the field and its line.

Access log lines go to the standard output, everything else to the standard error.
`

// runOptions are the flags of run.
type runOptions struct {
	envoy        string
	plugin       string
	config       string
	listen       string
	upstream     string
	policy       failurePolicy
	workers      int
	logLevel     logLevel
	vmMemory     byteSize
	deadline     duration
	drainTimeout duration
}

func (o *runOptions) flags() *flagSet {
	f := newFlagSet("run", runUsage, runExamples)
	f.StringVar(&o.envoy, "c", "", "run the Envoy bootstrap configuration in `FILE`")
	f.StringVar(&o.config, "config", "", "the plugin's configuration, as `TEXT|FILE`: JSON or YAML")
	f.StringVar(&o.upstream, "upstream", "", "send requests to `URL` and not to the built-in upstream")
	f.StringVar(&o.listen, "listen", "127.0.0.1:10000", "listen on `ADDRESS`; port 0 chooses a free one")
	o.policy = failurePolicy(pluginhost.FailReload)
	f.Var(&o.policy, "failure-policy", "what a plugin that died does to requests, as `POLICY`: closed answers 503 from then\n"+helpIndent+
		"on, open passes them by, reload starts the plugin again (at most once a second;\n"+helpIndent+
		"503 meanwhile); with -c, the file says it")
	f.IntVar(&o.workers, "workers", 0, "run `N` VMs of each plugin; one for each CPU where it is not given")
	o.logLevel = logLevel(abi.LogInfo)
	f.Var(&o.logLevel, "log-level", "the lowest `LEVEL` that is logged: "+strings.Join(logLevels, ", "))
	f.Var(&o.vmMemory, "vm-memory", "give each VM at most this `SIZE` of memory; 1GiB where it is not given")
	o.deadline, o.drainTimeout = duration(time.Second), duration(10*time.Second)
	f.Var(&o.deadline, "deadline", "stop a plugin callback that runs for longer than `TIME`; 0 never")
	f.Var(&o.drainTimeout, "drain-timeout", "on SIGTERM, let requests in flight go on for `TIME`")
	return f
}

func runCommand(s streams, args []string) error {
	o := &runOptions{}
	flags := o.flags()
	arguments, err := flags.parse(s, args)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := o.check(arguments, given); err != nil {
		return &usageError{"run", err}
	}
	if o.envoy != "" {
		return o.runEnvoy(s)
	}
	o.plugin = arguments[0]
	return o.runPlugin(s)
}

func (o *runOptions) check(arguments []string, given map[string]bool) error {
	switch {
	case given["c"] && o.envoy == "":
		return errors.New("-c is empty; want the file of an Envoy configuration")
	case o.envoy == "" && len(arguments) == 0:
		return errors.New("say what to run: a plugin's folder, a .wasm file, or -c with an Envoy configuration")
	case o.envoy != "" && len(arguments) > 0:
		return fmt.Errorf("-c says what to run, so %q is too much", arguments[0])
	case len(arguments) > 1:
		return fmt.Errorf("one plugin is run, so %q is too much; a chain of plugins takes -c", arguments[1])
	case given["workers"] && o.workers < 1:
		return fmt.Errorf("--workers %d: want 1 or more; leave the flag out for one for each CPU", o.workers)
	}
	if o.envoy != "" {
		for _, name := range []string{"config", "failure-policy", "listen", "upstream"} {
			if given[name] {
				return fmt.Errorf("--%s goes with a plugin, not with -c, whose file says it", name)
			}
		}
		return nil
	}
	switch {
	case given["config"] && strings.TrimSpace(o.config) == "":
		return errors.New("--config is empty; leave the flag out for no configuration")
	case given["upstream"] && strings.TrimSpace(o.upstream) == "":
		return errors.New("--upstream is empty; leave the flag out for the built-in upstream")
	case given["listen"] && strings.TrimSpace(o.listen) == "":
		return errors.New("--listen is empty; leave the flag out for 127.0.0.1:10000")
	}
	return nil
}

// runEnvoy serves an Envoy configuration.
func (o *runOptions) runEnvoy(s streams) error {
	logger := newLogger(s.stderr, abi.LogLevel(o.logLevel))
	cfg, warnings, err := envoyconfig.Load(o.envoy)
	var refused envoyconfig.Errors
	if errors.As(err, &refused) {
		fmt.Fprintln(s.stderr, refused)
		fmt.Fprintf(s.stderr, "sluice: %s is refused; docs/envoy-config.md says what is implemented\n", o.envoy)
		return errReported
	}
	if err != nil {
		return err
	}
	for _, w := range warnings {
		logger.Warn(w.Message, "field", w.Path, "file", fmt.Sprintf("%s:%d", w.File, w.Line))
	}
	for _, l := range cfg.Listeners {
		filters := l.HTTP.Filters
		if l.TCP != nil {
			filters = l.TCP.Filters
		}
		for _, f := range filters {
			o.limit(f.Wasm)
		}
	}
	return o.serve(s, logger, cfg, nil)
}

// limit sets what flags say about every plugin.
func (o *runOptions) limit(p *pluginhost.Config) {
	p.LogLevel = abi.LogLevel(o.logLevel)
	p.MemoryLimit = uint64(o.vmMemory)
	p.CallbackDeadline = time.Duration(o.deadline)
	if o.deadline == 0 {
		p.CallbackDeadline = -1
	}
}

// runPlugin serves one plugin, with the built-in upstream where no other is given.
func (o *runOptions) runPlugin(s streams) error {
	logger := newLogger(s.stderr, abi.LogLevel(o.logLevel))
	configuration, err := pluginConfiguration(o.config)
	if err != nil {
		return err
	}
	upstream := ""
	if o.upstream != "" {
		if upstream, err = upstreamAddress(o.upstream); err != nil {
			return &usageError{"run", err}
		}
	}
	plugin, err := o.load(s)
	if err != nil {
		return err
	}
	plugin.Configuration = configuration
	plugin.FailurePolicy = pluginhost.FailurePolicy(o.policy)
	o.limit(plugin)
	var builtin *echoUpstream
	if upstream == "" {
		if builtin, err = startEcho(); err != nil {
			return err
		}
		defer builtin.close()
		upstream = builtin.address
	}
	cfg, err := envoyconfig.SinglePlugin{Plugin: plugin, Listen: o.listen, Upstream: upstream}.Config()
	if err != nil {
		return &usageError{"run", err}
	}
	return o.serve(s, logger, cfg, func(gw *gateway.Gateway) {
		where := o.upstream
		if builtin != nil {
			where = "the built-in upstream, which answers what it receives"
		}
		address := clientAddress(gw.Addr(envoyconfig.SingleListener))
		fmt.Fprintf(s.stderr, "\n%s serves http://%s, in front of %s.\nTry: curl -i http://%s/\nStop: Ctrl-C\n\n", plugin.Name, address, where, address)
	})
}

// load reads the plugin's module, built first where its source is given.
func (o *runOptions) load(s streams) (*pluginhost.Config, error) {
	info, err := os.Stat(o.plugin)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s; name a folder with a plugin's source, or a .wasm file", o.plugin)
		}
		return nil, err
	}
	name := strings.TrimSuffix(filepath.Base(o.plugin), ".wasm")
	module := o.plugin
	switch {
	case info.IsDir():
		dir, err := filepath.Abs(o.plugin)
		if err != nil {
			return nil, err
		}
		name = filepath.Base(dir)
		if module, err = build(s, dir); err != nil {
			return nil, err
		}
	case slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(o.plugin))):
		return nil, fmt.Errorf("%s is no plugin; if it is an Envoy configuration: sluice run -c %s", o.plugin, o.plugin)
	case strings.HasSuffix(o.plugin, ".go"):
		return nil, fmt.Errorf("%s is a source file; name its folder, %s", o.plugin, filepath.Dir(o.plugin))
	}
	code, err := os.ReadFile(module)
	if err != nil {
		return nil, err
	}
	if len(code) == 0 {
		return nil, fmt.Errorf("%s is an empty file, not a WebAssembly module; build it again", o.plugin)
	}
	return &pluginhost.Config{Name: name, Code: code, CodeSource: o.plugin}, nil
}

// pluginConfiguration takes --config, a file's name or the text itself. What can only be text is not looked for as a
// file; what may be either is text where there is no such file.
func pluginConfiguration(given string) ([]byte, error) {
	text := strings.TrimSpace(given)
	if text == "" {
		return nil, nil
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") || strings.Contains(text, ": ") || strings.Contains(text, "\n") {
		return envoyconfig.PluginConfiguration("--config", []byte(given))
	}
	data, err := os.ReadFile(given)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			if json.Valid([]byte(text)) || strings.HasPrefix(text, "- ") || strings.HasSuffix(text, ":") {
				return envoyconfig.PluginConfiguration("--config", []byte(given))
			}
			return nil, fmt.Errorf("--config: there is no file %s, and as text it is neither a JSON object nor a YAML mapping", given)
		}
		return nil, fmt.Errorf("--config: %w", err)
	}
	return envoyconfig.PluginConfiguration(given, data)
}

// upstreamAddress is the host:port of an upstream's URL.
func upstreamAddress(given string) (string, error) {
	if !strings.Contains(given, "://") {
		given = "http://" + given
	}
	u, err := url.Parse(given)
	switch {
	case err != nil:
		return "", fmt.Errorf("--upstream: %w", err)
	case u.Scheme == "https":
		return "", fmt.Errorf("--upstream %s: TLS to upstreams is not implemented; want an http:// URL", given)
	case u.Scheme != "http" || u.Hostname() == "":
		return "", fmt.Errorf("--upstream %s: want a URL as in http://127.0.0.1:8080", given)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return "", fmt.Errorf("--upstream %s: want no path; requests keep the path they came with", given)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// clientAddress is where a client on this machine reaches a listener.
func clientAddress(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return tcp.String()
}

// workerCount is how many VMs each plugin gets.
func (o *runOptions) workerCount() int {
	if o.workers > 0 {
		return o.workers
	}
	return runtime.GOMAXPROCS(0)
}
