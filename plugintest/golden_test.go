package plugintest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestGolden(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.Trailers())
		plugintest.Golden(t, "testdata/golden/echo.txt", p.Do(plugintest.Post("/a?b=c").Header("TE", "trailers").Header("x-b", "2").Header("x-a", "1").
			Chunks("some ", "text").Trailer("x-sum", "9")))
		plugintest.Golden(t, "testdata/golden/reply.txt", p.Do(plugintest.Get("/").Header("x-do", "reply")))
	})
}

func TestGoldenWritesAndCompares(t *testing.T) {
	p := start(t, plugintest.Native)
	got := p.Do(plugintest.Get("/"))
	file := filepath.Join(t.TempDir(), "deep", "file.txt")
	f := &failing{TB: t}
	inGoroutine(func() { plugintest.Golden(f, file, got) })
	if !strings.Contains(f.said, "go test -update writes it") {
		t.Errorf("of a file that is not there it says %q", f.said)
	}
	update := flag.Lookup("update")
	was := update.Value.String()
	if err := update.Value.Set("true"); err != nil {
		t.Fatal(err)
	}
	plugintest.Golden(t, file, got)
	if err := update.Value.Set("false"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = update.Value.Set(was) }()
	plugintest.Golden(t, file, got)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "GET /", "GET /else", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	f = &failing{TB: t}
	plugintest.Golden(f, file, got)
	if !strings.Contains(f.said, `is "GET /", want "GET /else"`) {
		t.Errorf("of another text it says %q", f.said)
	}
}
