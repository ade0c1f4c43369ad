package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	l := newLogger(&b, abi.LogTrace)
	ctx := context.Background()
	l.Log(ctx, slogLevel(abi.LogTrace), "fine")
	l.With("plugin", "p").WithGroup("g").Info("one line", "a", 1)
	l.Error("panic: oh\n\ngoroutine 1 [running]:\n\tmain.f()\n", "plugin", "p")
	l.Log(ctx, slogLevel(abi.LogCritical), "the end")
	got := regexp.MustCompile(`(?m)^time=\S+ `).ReplaceAllString(b.String(), "")
	want := `level=TRACE msg=fine
level=INFO msg="one line" plugin=p g.a=1
level=ERROR msg="panic: oh" plugin=p
    
    goroutine 1 [running]:
    	main.f()
level=CRITICAL msg="the end"
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	newLogger(&b, abi.LogWarn).Info("not this")
	if b.Len() > 0 {
		t.Errorf("got %q below the level", b.String())
	}
}
