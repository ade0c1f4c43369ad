package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// versioned is a plugin that tells its version in a response header.
func versioned(version int) *funcPlugin {
	return &funcPlugin{responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.AddHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("x-version"), fmt.Append(nil, version))
		return abi.HeaderContinue
	}}
}

func getVersion(t *testing.T, url string) (status int, version string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return resp.StatusCode, resp.Header.Get("x-version")
}

func TestReplacePlugin(t *testing.T) {
	release := make(chan struct{})
	reached := make(chan struct{})
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(reached)
			<-release
		}
	}), []*funcPlugin{versioned(1)}, nil)
	if s, v := getVersion(t, g.url+"/"); s != 200 || v != "1" {
		t.Fatalf("%d %q", s, v)
	}
	old := g.Plugin("l", "test0")
	var slow sync.WaitGroup
	slow.Go(func() {
		if s, v := getVersion(t, g.url+"/slow"); s != 200 || v != "1" {
			t.Errorf("the stream that was under way: %d %q", s, v)
		}
	})
	<-reached
	if err := g.ReplacePlugin(t.Context(), "l", "test0", *versioned(2).config()); err != nil {
		t.Fatal(err)
	}
	if s, v := getVersion(t, g.url+"/"); s != 200 || v != "2" {
		t.Errorf("after it: %d %q", s, v)
	}
	if g.Plugin("l", "test0") == old {
		t.Error("the old plugin is still there")
	}
	close(release)
	slow.Wait()
	if err := old.Close(t.Context()); err != nil {
		t.Errorf("the old plugin did not end with its last stream: %v", err)
	}
}

func TestReplacePluginThatDoesNotStart(t *testing.T) {
	g := startGateway(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), []*funcPlugin{versioned(1)}, nil)
	for name, tc := range map[string]struct {
		listener, filter string
		cfg              pluginhost.Config
		want             error
	}{
		"no code":     {"l", "test0", pluginhost.Config{}, pluginhost.ErrNoCode},
		"no listener": {"x", "test0", *versioned(2).config(), ErrNoFilter},
		"no filter":   {"l", "x", *versioned(2).config(), ErrNoFilter},
	} {
		t.Run(name, func(t *testing.T) {
			if err := g.ReplacePlugin(t.Context(), tc.listener, tc.filter, tc.cfg); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if s, v := getVersion(t, g.url+"/"); s != 200 || v != "1" {
				t.Errorf("the old plugin: %d %q", s, v)
			}
		})
	}
}

// Requests go on while the plugin is replaced over and over: each is served by one version, none is lost.
func TestReplacePluginHammer(t *testing.T) {
	g := startGateway(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), []*funcPlugin{versioned(0)}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var served atomic.Int64
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if s, v := getVersion(t, g.url+"/"); s != 200 || v == "" {
					t.Errorf("%d %q", s, v)
					return
				}
				served.Add(1)
			}
		})
	}
	for version := range 100 {
		for before := served.Load(); served.Load() == before && !t.Failed(); {
		}
		if err := g.ReplacePlugin(ctx, "l", "test0", *versioned(version + 1).config()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	clients.Wait()
}
