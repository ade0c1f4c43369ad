package envoyconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// buildCommand is what makes a module of a plugin's source.
const buildCommand = "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o plugin.wasm ."

func (t *translator) plugin(p *wasmv3.PluginConfig, filterName, at string) *pluginhost.Config {
	plugin := &pluginhost.Config{
		Name:                        p.GetName(),
		RootID:                      p.GetRootId(),
		FailurePolicy:               t.failurePolicy(p, at),
		AllowOnHeadersStopIteration: p.GetAllowOnHeadersStopIteration().GetValue(),
		Configuration:               t.configuration(p.GetConfiguration(), at+".configuration"),
		LogLevel:                    abi.LogInfo,
		ReloadBackoff:               p.GetReloadConfig().GetBackoff().GetBaseInterval().AsDuration(),
	}
	plugin.AllowedCapabilities = t.capabilities(p, at)
	if plugin.Name == "" {
		plugin.Name = filterName
	}
	vm := p.GetVmConfig()
	at += ".vm_config"
	if vm == nil {
		t.fail(at, "is required")
		return plugin
	}
	t.runtime(vm.GetRuntime(), at+".runtime")
	plugin.VMID = vm.GetVmId()
	plugin.VMConfiguration = t.configuration(vm.GetConfiguration(), at+".configuration")
	plugin.Env = t.environment(vm.GetEnvironmentVariables(), at+".environment_variables")
	if vm.GetCode().GetLocal() == nil {
		t.fail(at+".code", "is required; name the module in code.local.filename")
		return plugin
	}
	code, source, ok := t.dataSource(vm.GetCode().GetLocal(), at+".code.local")
	if ok && len(code) == 0 {
		t.fail(at+".code.local", "%s is empty; build the module with %s", source, buildCommand)
	}
	plugin.Code, plugin.CodeSource = code, source
	return plugin
}

// capabilities reads what the plugin's VM may use: the older field of the plugin counts where the VM's is not set. It
// refuses names that nobody knows: Envoy takes them, and what was meant stays forbidden.
func (t *translator) capabilities(p *wasmv3.PluginConfig, at string) []string {
	restriction := p.GetVmConfig().GetCapabilityRestrictionConfig()
	if restriction != nil {
		at += ".vm_config"
	} else {
		restriction = p.GetCapabilityRestrictionConfig() //nolint:staticcheck // old files have it
	}
	names := slices.Sorted(maps.Keys(restriction.GetAllowedCapabilities()))
	for _, name := range names {
		if !slices.Contains(wasmvm.Capabilities(), name) {
			t.fail(at+".capability_restriction_config.allowed_capabilities", "there is no import or callback %q", name)
		}
	}
	return names
}

// failurePolicy reads the policy and its older form, of which Envoy lets only one be set.
func (t *translator) failurePolicy(p *wasmv3.PluginConfig, at string) pluginhost.FailurePolicy {
	if p.GetFailOpen() && p.GetFailurePolicy() != wasmv3.FailurePolicy_UNSPECIFIED { //nolint:staticcheck // old files have it
		t.fail(at+".fail_open", "stands beside failure_policy; keep the latter")
	}
	switch p.GetFailurePolicy() {
	case wasmv3.FailurePolicy_FAIL_OPEN:
		return pluginhost.FailOpen
	case wasmv3.FailurePolicy_FAIL_RELOAD:
		return pluginhost.FailReload
	}
	if p.GetFailOpen() { //nolint:staticcheck // old files have it
		return pluginhost.FailOpen
	}
	return pluginhost.FailClosed
}

func (t *translator) runtime(name, at string) {
	switch name {
	case "", "envoy.wasm.runtime.v8", "envoy.wasm.runtime.wasmtime", "envoy.wasm.runtime.wamr":
	case "envoy.wasm.runtime.null":
		t.fail(at, "%s runs plugins that are compiled into Envoy; name a module, and the runtime envoy.wasm.runtime.v8", name)
	default:
		t.fail(at, "there is no runtime %q; use envoy.wasm.runtime.v8, which the gateway's own engine stands for", name)
	}
}

// configuration is what a plugin reads of an Any: text and bytes as they are, a Struct as JSON, and of any other
// message its serialized bytes.
func (t *translator) configuration(a *anypb.Any, at string) []byte {
	if a == nil {
		return nil
	}
	m, err := a.UnmarshalNew()
	if err != nil {
		t.fail(at, "%v", err)
		return nil
	}
	switch v := m.(type) {
	case *wrapperspb.StringValue:
		return []byte(v.GetValue())
	case *wrapperspb.BytesValue:
		return v.GetValue()
	case *structpb.Struct:
		return structJSON(v)
	}
	return a.GetValue()
}

// structJSON writes a Struct with its members in the order of their names.
func structJSON(s *structpb.Struct) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A Struct that was read holds nothing that JSON has no form for.
	_ = enc.Encode(s.AsMap())
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

func (t *translator) environment(e *wasmv3.EnvironmentVariables, at string) map[string]string {
	env := maps.Clone(e.GetKeyValues())
	for i, key := range e.GetHostEnvKeys() {
		if _, twice := env[key]; twice {
			t.fail(fmt.Sprintf("%s.host_env_keys[%d]", at, i), "%s is in key_values too", key)
			continue
		}
		if value, ok := t.lookupEnv(key); ok {
			if env == nil {
				env = map[string]string{}
			}
			env[key] = value
		}
	}
	return env
}

// dataSource is what a data source holds, and what to call it in errors.
func (t *translator) dataSource(s *corev3.DataSource, at string) (data []byte, source string, ok bool) {
	switch specifier := s.GetSpecifier().(type) {
	case *corev3.DataSource_Filename:
		data, ok := t.file(specifier.Filename, at+".filename")
		return data, specifier.Filename, ok
	case *corev3.DataSource_InlineBytes:
		return specifier.InlineBytes, "inline_bytes", true
	case *corev3.DataSource_InlineString:
		return []byte(specifier.InlineString), "inline_string", true
	case *corev3.DataSource_EnvironmentVariable:
		value, set := t.lookupEnv(specifier.EnvironmentVariable)
		if !set {
			t.fail(at+".environment_variable", "%s is not set", specifier.EnvironmentVariable)
		}
		return []byte(value), "the environment variable " + specifier.EnvironmentVariable, set
	}
	t.fail(at, "one of filename, inline_bytes, inline_string, environment_variable is required")
	return nil, "", false
}

func (t *translator) file(name, at string) ([]byte, bool) {
	if data, ok := t.files[name]; ok {
		return data, true
	}
	data, err := t.readFile(name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err // the name is in the message already
		}
		hint := ""
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, ".wasm") {
			hint = "; build it with " + buildCommand
		}
		t.fail(at, "%s: %v%s", name, err, hint)
		return nil, false
	}
	t.files[name] = data
	return data, true
}
