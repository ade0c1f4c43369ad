package wrapper

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"

	"github.com/higress-group/wasm-go/pkg/log"
)

// The variables of a VM's environment that say what becomes of a panic.
const (
	failVariable      = "SLUICE_FAIL"
	noRecoverVariable = "WASM_DISABLE_PANIC_RECOVERY"
)

// failMode says what becomes of a panic in one of the plugin's functions.
type failMode struct {
	recovers bool // here, and the message goes on; else it is the SDK's
	open     bool // a message that the plugin cannot judge passes
	warn     bool
	err      error
}

// failModeFromEnvironment reads the variables.
func failModeFromEnvironment() failMode {
	mode := failMode{recovers: os.Getenv(noRecoverVariable) != "true"}
	switch v := os.Getenv(failVariable); v {
	case "":
		mode.open, mode.warn = true, mode.recovers
	case "open":
		mode.open = true
	case "closed":
		mode.recovers = false
	default:
		mode.recovers = false
		mode.err = errors.New("the environment variable " + failVariable + " is " + strconv.Quote(v) +
			", it can be closed or open")
	}
	return mode
}

// announce returns what runs before each configuration.
func (mode failMode) announce() func(wrapper.PluginContext) error {
	return func(wrapper.PluginContext) error {
		if mode.warn {
			mode.warn = false
			log.Warn("requests pass where this plugin panics, as in the published SDK: set the VM's environment variable " +
				failVariable + " to closed to have them answered 500, or to open to keep it so without this warning")
		}
		return mode.err
	}
}

func guardHeaders[C any](f onHttpHeadersFunc[C], mode failMode) func(wrapper.HttpContext, C) types.Action {
	if !mode.recovers {
		return func(ctx wrapper.HttpContext, config C) types.Action { return f(ctx.(*wrapper.StreamHandle), config) }
	}
	return func(ctx wrapper.HttpContext, config C) types.Action {
		defer logPanic()
		return f(ctx.(*wrapper.StreamHandle), config)
	}
}

func guardBody[C any](f onHttpBodyFunc[C], mode failMode) func(wrapper.HttpContext, C, []byte) types.Action {
	if !mode.recovers {
		return func(ctx wrapper.HttpContext, config C, body []byte) types.Action {
			return f(ctx.(*wrapper.StreamHandle), config, body)
		}
	}
	return func(ctx wrapper.HttpContext, config C, body []byte) types.Action {
		defer logPanic()
		return f(ctx.(*wrapper.StreamHandle), config, body)
	}
}

func guardStreaming[C any](f onHttpStreamingBodyFunc[C], mode failMode) func(wrapper.HttpContext, C, []byte, bool) []byte {
	if !mode.recovers {
		return func(ctx wrapper.HttpContext, config C, chunk []byte, last bool) []byte {
			return f(ctx.(*wrapper.StreamHandle), config, chunk, last)
		}
	}
	return func(ctx wrapper.HttpContext, config C, chunk []byte, last bool) (out []byte) {
		defer logPanic()
		out = chunk // unless f returns: it may panic
		out = f(ctx.(*wrapper.StreamHandle), config, chunk, last)
		return out
	}
}

func guardDone[C any](f onHttpStreamDoneFunc[C], mode failMode) func(wrapper.HttpContext, C) {
	if !mode.recovers {
		return func(ctx wrapper.HttpContext, config C) { f(ctx.(*wrapper.StreamHandle), config) }
	}
	return func(ctx wrapper.HttpContext, config C) {
		defer logPanic()
		f(ctx.(*wrapper.StreamHandle), config)
	}
}

// logPanic, deferred, recovers: the function returns what its results are, zero if they have no name, which is to
// continue.
func logPanic() {
	if v := recover(); v != nil {
		stack := make([]byte, 16<<10)
		stack = stack[:runtime.Stack(stack, false)]
		// One line: hosts make a record of each.
		log.Error(fmt.Sprintf("recovered from panic %v, stack: %s", v, strings.ReplaceAll(string(stack), "\n", `\n`)))
	}
}
