package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
)

func TestHeaderHelpers(t *testing.T) {
	headers := [][2]string{{"X-One", "A"}, {"x-one", "B"}}
	for name, test := range map[string]struct{ got, want any }{
		"has":               {HasHeader(headers, "x-ONE"), true},
		"has not":           {HasHeader(headers, "x-two"), false},
		"value in any case": {HasHeaderWithValue(headers, "X-one", "a"), true},
		"the first only":    {HasHeaderWithValue(headers, "X-one", "B"), false},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v", name, test.got)
		}
	}
	if v, ok := GetHeaderValue(headers, "X-ONE"); v != "A" || !ok {
		t.Errorf("%q %v", v, ok)
	}
	if v, ok := GetHeaderValue(headers, "x-two"); v != "" || ok {
		t.Errorf("%q %v", v, ok)
	}
}

func TestRedisReplies(t *testing.T) {
	for _, test := range []struct {
		got  []byte
		want string
	}{
		{CreateRedisRespNull(), "$-1\r\n"},
		{CreateRedisRespString("a"), "$1\r\na\r\n"},
		{CreateRedisRespInt(-3), ":-3\r\n"},
		{CreateRedisRespBool(true), ":1\r\n"},
		{CreateRedisRespBool(false), ":0\r\n"},
		{CreateRedisRespFloat(1.5), "$3\r\n1.5\r\n"},
		{CreateRedisRespError("ERR no"), "-ERR no\r\n"},
		{CreateRedisResp(int64(7)), "$1\r\n7\r\n"},
		{CreateRedisRespArray(nil), "*0\r\n"},
		{CreateRedisRespArray([]interface{}{"a", 1, nil, true, 2.5, int64(7)}), "*6\r\n$1\r\na\r\n:1\r\n$-1\r\n:1\r\n$3\r\n2.5\r\n$1\r\n7\r\n"},
	} {
		if string(test.got) != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

// The context types that GetMatchConfig may find.
type (
	sluiceContext    struct{ types.DefaultHttpContext }
	publishedContext struct{ types.DefaultHttpContext }
	otherContext     struct{ types.DefaultHttpContext }
	config           struct{ n int }
)

func (*sluiceContext) MatchConfig() (any, error)           { return &config{1}, nil }
func (*publishedContext) GetMatchConfig() (*config, error) { return &config{2}, nil }

func TestMatchConfig(t *testing.T) {
	for want, ctx := range map[int]types.HttpContext{1: &sluiceContext{}, 2: &publishedContext{}} {
		got, err := matchConfig(ctx)
		if c, ok := got.(*config); !ok || c.n != want || err != nil {
			t.Errorf("%T: %v, %v", ctx, got, err)
		}
	}
	for _, ctx := range []types.HttpContext{nil, &otherContext{}} {
		if got, err := matchConfig(ctx); err == nil {
			t.Errorf("%T: %v", ctx, got)
		}
	}
}

// The tests in testdata are plugins' own. They run in a process and a folder of their own.
func TestOfAPlugin(t *testing.T) {
	broken, err := filepath.Abs("testdata/broken")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		dir string
		run string
		env string
		ok  bool
		say []string
	}{
		"both modes":                  {"plugin", "^TestPlugin$", "", true, []string{"PASS: TestPlugin/go", "PASS: TestPlugin/wasm"}},
		"a plugin of package wrapper": {"wrapped", "", "", true, []string{"PASS: TestGetMatchConfig/go", "PASS: TestBodiesOutOfStep/wasm"}},
		"a module that does not build": {"plugin", "^TestBroken$", "BROKEN=" + broken, false,
			[]string{"PASS: TestBroken/go", "FAIL: TestBroken/wasm", "undefined: undefined"}},
		"a module that is not there": {"plugin", "^TestPlugin$", "WASM_FILE_PATH=none.wasm", false,
			[]string{"PASS: TestPlugin/go", "FAIL: TestPlugin/wasm", "none.wasm"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("go", "test", "-v", "-run", test.run, "./testdata/"+test.dir)
			cmd.Env = append(os.Environ(), test.env)
			out, err := cmd.CombinedOutput()
			if (err == nil) != test.ok {
				t.Errorf("%v\n%s", err, out)
			}
			for _, say := range test.say {
				if !bytes.Contains(out, []byte(say)) {
					t.Errorf("%q is not in what go test says:\n%s", say, out)
				}
			}
		})
	}
}

func TestOptions(t *testing.T) {
	if endOfStream(nil) || !endOfStream([]HeaderOptionFunc{WithEndOfStream(true)}) {
		t.Error("more follows unless a test says otherwise")
	}
	h := &testHost{}
	if err := h.SetDomainName(""); err == nil {
		t.Error("an empty domain")
	}
}

func TestNoPlugin(t *testing.T) {
	for range 2 { // the first leaves nothing behind that holds up the second
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, "nothing is registered") {
					t.Errorf("panic: %s", v)
				}
			}()
			NewTestHost(json.RawMessage(`{}`))
		}()
	}
}
