package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain has the scripts run this program as "sluice", in processes of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

// TestScripts runs testdata/script. Beside testscript's commands there are those of scriptCommands.
func TestScripts(t *testing.T) {
	goEnv := goEnvironment(t)
	cache := t.TempDir() // one for all scripts: a module is compiled once
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Deadline:            time.Now().Add(patience), // a gateway that was to fail and serves has no end
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands,
		Setup: func(env *testscript.Env) error {
			for name, value := range goEnv {
				env.Setenv(name, value)
			}
			env.Setenv("XDG_CACHE_HOME", cache)
			env.Setenv("REPO", repository)
			p := &processes{}
			env.Values[processesKey{}] = p
			env.Defer(p.killAll)
			return nil
		},
	})
}

// goEnvironment is what the go command needs to build plugins in scripts, whose environment is otherwise empty.
func goEnvironment(t *testing.T) map[string]string {
	t.Helper()
	names := []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOTOOLCHAIN"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(string(out), "\n")
	env := map[string]string{}
	for i, name := range names {
		env[name] = values[i]
	}
	if root := os.Getenv("GOROOT"); root != "" {
		env["GOROOT"] = root
	}
	return env
}
