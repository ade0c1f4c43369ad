package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what scripts can do with gateways that run.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exitcode": exitCodeCmd, // exitcode CODE ARGS...: run sluice and look at how it ends
	"serve":    serveCmd,    // serve ARGS...: start sluice and wait until it is ready; sets ADDR
	"signal":   signalCmd,   // signal TERM|INT: send it to the gateway
	"exited":   exitedCmd,   // exited CODE: wait for the gateway's end; its output is then in files stdout and stderr
	"refusing": refusingCmd, // refusing: wait until the gateway accepts no more connections
	"request":  requestCmd,  // request [-async] METHOD PATH [BODY]: the answer is then stdout; -async: in the background
	"answer":   answerCmd,   // answer: wait for the request in the background
	"module":   moduleCmd,   // module KIND FILE: write a module, see modules
	"occupy":   occupyCmd,   // occupy: listen on a port; sets TAKEN
	"upstream": upstreamCmd, // upstream: start an upstream that holds requests back until release; sets UPSTREAM
	"held":     heldCmd,     // held: wait until the upstream holds a request
	"release":  releaseCmd,  // release: the upstream answers
}

// patience is how long a script waits for what must happen.
const patience = 2 * time.Minute

type processesKey struct{}

// processes is what a script has started.
type processes struct {
	gateway  *exec.Cmd
	ended    chan struct{}
	out, err lockedBuffer
	address  string
	answers  chan string
	hold     *heldUpstream
	close    []func()
}

func (p *processes) killAll() {
	if p.gateway != nil {
		_ = p.gateway.Process.Kill() // it may have ended
		<-p.ended
	}
	for _, f := range slices.Backward(p.close) {
		f()
	}
}

func of(ts *testscript.TestScript) *processes { return ts.Value(processesKey{}).(*processes) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// readyLine is how sluice says that it serves, for one plugin or with -c.
var readyLine = regexp.MustCompile(`serves http://([^,]+),|msg=ready .*address=(\S+)`)

func exitCodeCmd(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath("sluice")
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), scriptEnvironment(ts)
	out, _ := cmd.CombinedOutput() // the code is looked at
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("sluice %s ended with code %s, want %s:\n%s", strings.Join(args[1:], " "), got, args[0], out)
	}
}

func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	p := of(ts)
	if neg || p.gateway != nil {
		ts.Fatalf("usage: serve ARGS..., once in a script")
	}
	path, err := exec.LookPath("sluice")
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), scriptEnvironment(ts)
	cmd.Stdout = &p.out
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	p.gateway, p.ended = cmd, make(chan struct{})
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&p.err, lines.Text())
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case ready <- m[1] + m[2]:
				default:
				}
			}
		}
		_ = cmd.Wait() // "exited" looks at the code
	}()
	select {
	case p.address = <-ready:
		ts.Setenv("ADDR", p.address)
	case <-p.ended:
		ts.Fatalf("sluice %s ended:\n%s", strings.Join(args, " "), p.err.String())
	case <-time.After(patience):
		ts.Fatalf("sluice %s does not get ready:\n%s", strings.Join(args, " "), p.err.String())
	}
}

func scriptEnvironment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOTOOLCHAIN", "GOROOT", "GOCOVERDIR", "TESTSCRIPT_COVER_DIR"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func signalCmd(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt}[strings.Join(args, " ")]
	if sig == nil {
		ts.Fatalf("usage: signal TERM|INT")
	}
	ts.Check(of(ts).gateway.Process.Signal(sig))
}

func exitedCmd(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts)
	select {
	case <-p.ended:
	case <-time.After(patience):
		ts.Fatalf("the gateway does not end:\n%s", p.err.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("stdout"), []byte(p.out.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("stderr"), []byte(p.err.String()), 0o600))
	if got := strconv.Itoa(p.gateway.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("the gateway ended with code %s, want %s:\n%s", got, args[0], p.err.String())
	}
}

func refusingCmd(ts *testscript.TestScript, _ bool, _ []string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", of(ts).address)
		if err != nil {
			return
		}
		_ = c.Close()
	}
	ts.Fatalf("%s goes on accepting connections", of(ts).address)
}

func requestCmd(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts)
	async := len(args) > 0 && args[0] == "-async"
	if async {
		args = args[1:]
	}
	if len(args) < 2 {
		ts.Fatalf("usage: request [-async] METHOD PATH [BODY]")
	}
	body := strings.Join(args[2:], " ")
	if !async {
		fmt.Fprint(ts.Stdout(), do(args[0], p.address, args[1], body))
		return
	}
	p.answers = make(chan string, 1)
	go func() { p.answers <- do(args[0], p.address, args[1], body) }()
}

// do makes a request and describes the answer: the status, the headers in the order of their names, the body.
func do(method, address, path, body string) string {
	req, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return err.Error() + "\n"
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	defer res.Body.Close()
	var b strings.Builder
	fmt.Fprintln(&b, res.Status)
	_ = res.Header.Write(&b) // to memory
	text, err := io.ReadAll(res.Body)
	fmt.Fprintf(&b, "\n%s\n", text)
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

func answerCmd(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case a := <-of(ts).answers:
		fmt.Fprint(ts.Stdout(), a)
	case <-time.After(patience):
		ts.Fatalf("no answer")
	}
}

func moduleCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 || modules[args[0]] == nil {
		ts.Fatalf("usage: module KIND FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), modules[args[0]](), 0o600))
}

func occupyCmd(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("TAKEN", l.Addr().String())
	of(ts).close = append(of(ts).close, func() { _ = l.Close() })
}

// heldUpstream answers requests when it is told to.
type heldUpstream struct {
	arrived, release chan struct{}
}

func upstreamCmd(ts *testscript.TestScript, _ bool, _ []string) {
	p := of(ts)
	h := &heldUpstream{arrived: make(chan struct{}, 8), release: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.arrived <- struct{}{}
		select {
		case <-h.release:
			fmt.Fprint(w, "released")
		case <-r.Context().Done():
		}
	}))
	p.hold = h
	p.close = append(p.close, func() { server.CloseClientConnections(); server.Close() })
	ts.Setenv("UPSTREAM", server.URL)
}

func heldCmd(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-of(ts).hold.arrived:
	case <-time.After(patience):
		ts.Fatalf("no request reaches the upstream")
	}
}

func releaseCmd(ts *testscript.TestScript, _ bool, _ []string) { close(of(ts).hold.release) }
