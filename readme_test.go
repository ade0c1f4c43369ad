//go:build unix

package sluice

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// blocks returns a Markdown file's code blocks in a language.
func blocks(t *testing.T, file, language string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		all = append(all, block[1])
	}
	return all
}

// commands returns the shell commands in a Markdown file's code blocks.
func commands(t *testing.T, file string) []string {
	t.Helper()
	var all []string
	for _, block := range blocks(t, file, "sh") {
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

// TestReadmeBeginsWithTheTwoCommands: they are a contract with whoever tries Sluice for the first time.
func TestReadmeBeginsWithTheTwoCommands(t *testing.T) {
	got := commands(t, "README.md")
	want := []string{"go run ./cmd/sluice run ./examples/hello", "curl -i http://127.0.0.1:10000/some/path", "go test work"}
	for i, w := range want {
		if i >= len(got) || got[i] != w {
			t.Fatalf("commands %q, want them to begin with %q", got, want)
		}
	}
}

// TestReadmeCode holds that the README's plugin and its test compile as they are printed.
func TestReadmeCode(t *testing.T) {
	code := blocks(t, "README.md", "go")
	if len(code) != 2 {
		t.Fatalf("%d blocks of Go, want a plugin and its test", len(code))
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, overlay := t.TempDir(), map[string]map[string]string{"Replace": {}}
	for name, text := range map[string]string{
		"main.go":      code[0],
		"main_test.go": "package main\n\nimport (\n\"testing\"\n\n\"" + module + "/plugintest\"\n)\n\n" + code[1],
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// To the go command it lies where there is nothing.
		overlay["Replace"][filepath.Join(root, "examples", "readme", name)] = file
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	// With -export, go list compiles what it lists.
	if out, err := exec.Command("go", "list", "-overlay", file, "-export", "-test", "./examples/readme").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestReadmeFirstCommand runs the README's first command as it is printed, but for a free port, and asks it what the
// README asks.
func TestReadmeFirstCommand(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()

	args := strings.Fields(commands(t, "README.md")[0])
	cmd := exec.Command(args[0], append(args[1:], "--listen", address)...)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	// go run starts another process; the signal at the end is for both.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait() // what it has to say, it prints
		cancel()            // nobody will answer now
	}()
	stopped := false
	stop := func(signal syscall.Signal) {
		stopped = true
		_ = syscall.Kill(-cmd.Process.Pid, signal) // it may have ended by itself
		<-ended
	}
	defer func() {
		if !stopped {
			stop(syscall.SIGKILL)
		}
	}()

	body, header, err := getUntilUp(running, "http://"+address+"/some/path")
	if err != nil {
		stop(syscall.SIGKILL)
		t.Fatalf("%v; it printed:\n%s", err, output.String())
	}
	if got := header.Get("x-hello"); got != "hello from sluice" {
		t.Errorf("the answer's x-hello is %q", got)
	}
	for _, want := range []string{"/some/path", "x-hello", "hello from sluice"} {
		if !strings.Contains(strings.ToLower(body), want) {
			t.Errorf("the answer does not have %q of the request:\n%s", want, body)
		}
	}
	// Interrupted, go run itself ends with status 1; of a program that failed it says "exit status" or "signal".
	stop(syscall.SIGINT)
	for _, bad := range []string{"exit status", "signal: ", "panic"} {
		if strings.Contains(output.String(), bad) {
			t.Errorf("after Ctrl-C it printed:\n%s", output.String())
		}
	}
}

// getUntilUp asks until there is an answer: the first time, all of the gateway is compiled.
func getUntilUp(ctx context.Context, url string) (string, http.Header, error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err == nil && resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
			}
			return string(body), resp.Header, err
		}
		select {
		case <-ctx.Done():
			return "", nil, fmt.Errorf("no answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
