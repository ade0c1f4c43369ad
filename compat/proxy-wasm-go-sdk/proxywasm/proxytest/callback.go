package proxytest

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	native "github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// run makes a callback about context id. If the plugin dies of it, run panics.
func (e *emulator) run(id uint32, callback func(abi.Plugin) error) {
	ask(e, id, func(p abi.Plugin) (struct{}, error) { return struct{}{}, callback(p) })
}

// ask makes a callback, as run does, and returns what it answered.
func ask[T any](e *emulator, id uint32, callback func(abi.Plugin) (T, error)) T {
	answer, err := ask1(e, id, callback)
	if err != nil {
		die(err)
	}
	if e.depth == 0 {
		e.tellQueues()
	}
	return answer
}

func ask1[T any](e *emulator, id uint32, callback func(abi.Plugin) (T, error)) (T, error) {
	e.depth++
	outer := e.active
	e.active = id
	returned := false
	// A foreign function is the test's own code: it may end the test, and it may make a callback inside a callback.
	defer func() {
		e.left = e.left || !returned
		e.depth--
		if e.depth > 0 {
			e.active = outer
		}
	}()
	answer, err := callback(e.plugin)
	returned = true
	return answer, err
}

// die panics as the plugin did.
func die(err error) {
	if p, ok := err.(*native.PanicError); ok {
		log.Printf("proxytest: %v\n%s", p, p.Stack)
		panic(p.Value)
	}
	if t, ok := err.(*wasmvm.TrapError); ok {
		panic(&guestPanic{t})
	}
	panic(fmt.Errorf("proxytest: %w", err))
}

// guestPanic is how a module died, all of it: a panic's text is all that a test shows.
type guestPanic struct{ trap *wasmvm.TrapError }

func (g *guestPanic) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s trapped: %v", g.trap.Callback, g.trap.Reason)
	for _, text := range []string{g.trap.Output, g.trap.Stack} {
		if text = strings.TrimSpace(text); text != "" {
			b.WriteString("\n\n")
			b.WriteString(text)
		}
	}
	return b.String()
}

func (g *guestPanic) Unwrap() error { return g.trap }

// explain is an error's text, all of it where the plugin trapped.
func explain(err error) error {
	var t *wasmvm.TrapError
	if errors.As(err, &t) {
		return &guestPanic{t}
	}
	return err
}
