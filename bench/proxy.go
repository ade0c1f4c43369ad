package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/gateway"
)

// proxies are the proxies that compareProxies runs, each in a process of its own.
var proxies = []string{"httputil.ReverseProxy", "sluice, no plugin"}

// bodySize is how much the upstream answers.
const bodySize = 1024

// compareProxies prints the CPU time that a proxy's process uses for each proxied request.
func compareProxies(ctx context.Context, w io.Writer, rounds, requests int) error {
	body := strings.Repeat("x", bodySize)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", fmt.Sprint(bodySize))
		_, _ = io.WriteString(w, body)
	}))
	defer upstream.Close()
	running := make([]*proxyProcess, len(proxies))
	for i, name := range proxies {
		p, err := startProxy(ctx, name, upstream.Listener.Addr().String())
		if err != nil {
			return err
		}
		defer p.stop()
		running[i] = p
	}
	all := make([][]time.Duration, len(proxies))
	for round := range rounds + 1 {
		for i, p := range running {
			cpu, err := p.measure(requests)
			if err != nil {
				return fmt.Errorf("%s: %w", proxies[i], err)
			}
			if round > 0 { // the first one warms up
				all[i] = append(all[i], cpu)
			}
		}
	}
	fmt.Fprintf(w, "| proxy | CPU per proxied %d-byte response (µs) | ratio |\n|---|---|---|\n", bodySize)
	var first time.Duration
	for i, list := range all {
		slices.Sort(list)
		median := list[len(list)/2]
		if i == 0 {
			first = median
		}
		fmt.Fprintf(w, "| %s | %.1f | %.2f |\n", proxies[i], float64(median.Nanoseconds())/1e3, float64(median)/float64(first))
	}
	return nil
}

// proxyProcess is this program, serving as a proxy.
type proxyProcess struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	url    string
	client *http.Client
}

func startProxy(ctx context.Context, name, upstream string) (*proxyProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-proxy", name, "-upstream", upstream)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &proxyProcess{cmd: cmd, stdin: stdin, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	p.url = strings.TrimSpace(line)
	return p, nil
}

func (p *proxyProcess) stop() {
	p.client.CloseIdleConnections()
	p.stdin.Close()
	_ = p.cmd.Wait()
}

// measure sends n requests from 8 clients and returns the proxy's CPU time for each.
func (p *proxyProcess) measure(n int) (time.Duration, error) {
	const clients = 8
	start, err := processTime(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for i := range clients {
		wg.Go(func() {
			for range n / clients {
				if errs[i] = p.get(); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	end, err := processTime(p.cmd.Process.Pid)
	return (end - start) / time.Duration(n/clients*clients), err
}

func (p *proxyProcess) get() error {
	resp, err := p.client.Get(p.url + "/some/path?x=y")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (n != bodySize || resp.StatusCode != http.StatusOK) {
		err = fmt.Errorf("status %d, %d bytes", resp.StatusCode, n)
	}
	return err
}

// processTime returns the CPU time of another process (source: Linux, clock_getcpuclockid(3)).
func processTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// serveProxy is the child process: a proxy in front of upstream until standard input ends.
func serveProxy(ctx context.Context, name, upstream string) error {
	switch name {
	case "httputil.ReverseProxy":
		// The settings are those of the gateway's own transport.
		transport := &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: -1}).DialContext,
			DisableCompression:  true,
			MaxIdleConnsPerHost: 1024,
			IdleConnTimeout:     time.Hour,
			WriteBufferSize:     16 << 10,
			ReadBufferSize:      16 << 10,
		}
		target := &url.URL{Scheme: "http", Host: upstream}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := &http.Server{
			Handler: &httputil.ReverseProxy{
				Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
				Transport:  transport,
				BufferPool: &buffers{},
			},
			IdleTimeout: time.Hour, // as the gateway's
		}
		defer srv.Close()
		go srv.Serve(l) //nolint:errcheck // ends with the process
		fmt.Println("http://" + l.Addr().String())
	case "sluice, no plugin":
		g, err := gateway.New(&gateway.Config{
			Listeners: []gateway.Listener{{
				Name: "l", Address: "127.0.0.1:0",
				HTTP: gateway.HTTPConnectionManager{
					GenerateRequestID: true, StreamIdleTimeout: 5 * time.Minute, MaxRequestHeadersKiB: 60,
					Routes: gateway.RouteConfiguration{VirtualHosts: []gateway.VirtualHost{{Name: "v", Domains: []string{"*"},
						Routes: []gateway.Route{{Match: gateway.RouteMatch{Prefix: "/"}, Cluster: "u", Timeout: 15 * time.Second}}}}},
				},
			}},
			Clusters: []gateway.Cluster{{Name: "u", Endpoints: []gateway.Endpoint{{Address: upstream}}, ConnectTimeout: 5 * time.Second}},
		}, gateway.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		if err := g.Start(ctx); err != nil {
			return err
		}
		defer g.Close()
		fmt.Println("http://" + g.Addr("l").String())
	default:
		return fmt.Errorf("no proxy %q", name)
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// buffers gives httputil.ReverseProxy memory to copy with, as the gateway keeps it.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return p[:]
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[32 << 10]byte)(p)) }
