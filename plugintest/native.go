package plugintest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// closePatience is how long the end of a plugin may take. It is longer than a gateway gives streams that it cuts off, 5 s.
const closePatience = 7 * time.Second

// errStuck is that the plugin holds up its own end.
var errStuck = errors.New("the plugin's callback does not return; native mode cannot interrupt it: use wasm mode")

// within runs f, which may wait for the plugin's lock without heed of ctx, and gives it up when ctx is done. What it waits
// for is then left behind, with f's goroutine.
func within(ctx context.Context, f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errStuck
	}
}

// nativeRefuses says what a test asks for that there is only in wasm mode.
func (o *options) nativeRefuses() error {
	switch {
	case o.workers > 1:
		return fmt.Errorf("Workers(%d): a native plugin has one VM, because a process has only one set of the plugin's "+
			"package variables; use wasm mode", o.workers)
	case o.plugin.CallbackDeadline > 0:
		return fmt.Errorf("Deadline(%v): native mode cannot interrupt a plugin; use wasm mode", o.plugin.CallbackDeadline)
	}
	return nil
}
