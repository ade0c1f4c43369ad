package plugintest

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// errTimeout is that a step waited in vain.
var errTimeout = errors.New("timed out")

// incoming is a body that arrives at one end, read by the test step by step. It reads from the connection only when it
// is asked to, so that a test can be the slow side.
type incoming struct {
	t       testing.TB
	timeout time.Duration
	// whose begins the messages: "the upstream's request body".
	whose string
	r     io.Reader

	pending []byte // read and not consumed
	err     error  // why no more comes, io.EOF for the end
}

// fill reads once, unless more than nothing is pending or the end was seen.
func (b *incoming) fill() error {
	if len(b.pending) > 0 {
		return nil
	}
	if b.err != nil {
		return b.err
	}
	type result struct {
		data []byte
		err  error
	}
	ch := make(chan result, 1)
	go func() {
		buf := make([]byte, 32<<10)
		n, err := 0, error(nil)
		for n == 0 && err == nil {
			n, err = b.r.Read(buf)
		}
		ch <- result{buf[:n], err}
	}()
	wait := time.NewTimer(b.timeout)
	defer wait.Stop()
	select {
	case got := <-ch:
		b.pending, b.err = got.data, got.err
	case <-wait.C:
		b.err = errTimeout
	}
	if len(b.pending) > 0 {
		return nil
	}
	return b.err
}

// Receive waits for bytes and returns those that have come, at least one; at the end it returns nil. It fails the test if
// nothing comes in time or the body is cut short. How bytes were sent does not tell how they arrive.
func (b *incoming) Receive() []byte {
	b.t.Helper()
	if err := b.fill(); err != nil {
		if !errors.Is(err, io.EOF) {
			b.t.Fatalf("plugintest: %s: %v", b.whose, b.explain(err))
		}
		return nil
	}
	p := b.pending
	b.pending = nil
	return p
}

// Expect waits for as many bytes as want has, and fails the test unless they are want.
func (b *incoming) Expect(want string) {
	b.t.Helper()
	var got []byte
	for len(got) < len(want) {
		if err := b.fill(); err != nil {
			b.t.Fatalf("plugintest: %s: got %q and then %v, want %q", b.whose, got, b.explain(err), want)
		}
		n := min(len(want)-len(got), len(b.pending))
		got = append(got, b.pending[:n]...)
		b.pending = b.pending[n:]
		if string(got) != want[:len(got)] {
			b.t.Fatalf("plugintest: %s: got %q, want %q", b.whose, got, want)
		}
	}
}

// ExpectEnd fails the test unless the body ends here, whole.
func (b *incoming) ExpectEnd() {
	b.t.Helper()
	switch err := b.fill(); {
	case err == nil:
		b.t.Fatalf("plugintest: %s: got %q, want its end", b.whose, b.pending)
	case !errors.Is(err, io.EOF):
		b.t.Fatalf("plugintest: %s: want its end: %v", b.whose, b.explain(err))
	}
}

// ReceiveAll waits for the end and returns what came until then. It fails the test if the body is cut short.
func (b *incoming) ReceiveAll() []byte {
	b.t.Helper()
	got, err := b.drain()
	if err != nil {
		b.t.Fatalf("plugintest: %s: got %d bytes and then %v", b.whose, len(got), b.explain(err))
	}
	return got
}

// drain returns what comes until the end, and the error that ended it if it is not the end.
func (b *incoming) drain() ([]byte, error) {
	var got []byte
	for {
		if err := b.fill(); errors.Is(err, io.EOF) {
			return got, nil
		} else if err != nil {
			return got, err
		}
		got = append(got, b.pending...)
		b.pending = nil
	}
}

func (b *incoming) explain(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("its end")
	case errors.Is(err, errTimeout):
		return fmt.Errorf("nothing for %v", b.timeout)
	}
	return err
}
