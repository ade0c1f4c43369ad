package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrNoEnvoy is that no Envoy was found.
var ErrNoEnvoy = errors.New("no Envoy: set SLUICE_ENVOY to its binary, or have envoy on the path")

// FindEnvoy returns where Envoy's binary is.
func FindEnvoy() (string, error) {
	if path := os.Getenv("SLUICE_ENVOY"); path != "" {
		return path, nil
	}
	path, err := exec.LookPath("envoy")
	if err != nil {
		return "", ErrNoEnvoy
	}
	return path, nil
}

// envoy is an Envoy that runs.
type envoy struct {
	cmd   *exec.Cmd
	lines *pluginLog
	wg    sync.WaitGroup
	mu    sync.Mutex
	said  []string // what it logged beside plugins' lines
}

// startEnvoy starts Envoy with a configuration and waits until it is ready.
func startEnvoy(ctx context.Context, binary, dir, config string, admin int) (*envoy, error) {
	file := filepath.Join(dir, "envoy.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	e := &envoy{lines: newPluginLog()}
	e.cmd = exec.CommandContext(ctx, binary, "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "-l", "warn",
		"--component-log-level", "wasm:trace", "--log-format", "%n|%l|%v", "--log-format-escaped",
		"--file-flush-interval-msec", "10")
	e.cmd.Cancel = func() error { return e.cmd.Process.Signal(syscall.SIGTERM) }
	e.cmd.WaitDelay = 10 * time.Second
	stderr, err := e.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	e.wg.Go(func() { defer close(exited); e.read(stderr) })
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if ready(admin) {
			return e, nil
		}
		select {
		case <-exited:
			return nil, fmt.Errorf("envoy ended: %s", e.last())
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), e.stop())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("envoy was not ready in time: %s", e.last()), e.stop())
		}
	}
}

func ready(admin int) bool {
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/ready", admin))
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (e *envoy) read(stderr io.Reader) {
	r := bufio.NewScanner(stderr)
	r.Buffer(nil, 1<<20)
	for r.Scan() {
		if rest, ok := strings.CutPrefix(r.Text(), "wasm|"); ok {
			level, text, _ := strings.Cut(rest, "|")
			// At level error are what hosts make of a panic's text: some a line, some a line for each write.
			if log, ok := strings.CutPrefix(text, "wasm log "); ok && level == "info" {
				// "wasm log NAME [ROOT] VM: line"
				who, line, _ := strings.Cut(log, ": ")
				who, _, _ = strings.Cut(who, " ")
				name, mark := plugin(who)
				e.lines.add(name, mark+unescapeLog(line))
				continue
			}
		}
		e.mu.Lock()
		e.said = append(e.said, r.Text())
		e.mu.Unlock()
	}
}

// unescapeLog takes back what --log-format-escaped does to a line.
func unescapeLog(line string) string {
	line = strings.TrimSuffix(line, `\n`)
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t", `\r`, "\r", `\'`, "'").Replace(line)
}

func (e *envoy) last() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.said[max(0, len(e.said)-20):], "\n")
}

func (e *envoy) name() string    { return "Envoy" }
func (e *envoy) log() *pluginLog { return e.lines }

func (e *envoy) stop() error {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	e.wg.Wait()
	err := e.cmd.Wait()
	if err != nil && e.cmd.ProcessState.ExitCode() != 0 {
		return fmt.Errorf("envoy died: %w\n%s", err, e.last())
	}
	return nil
}

// freePorts returns ports that nobody listens on.
func freePorts(n int) ([]int, error) {
	var list []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at once, when each is another's
		list = append(list, l.Addr().(*net.TCPAddr).Port)
	}
	return list, nil
}
