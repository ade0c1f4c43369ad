package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// admin is the listener for those who run the gateway. It knows no authentication: it belongs on a loopback address.
type admin struct {
	address  string
	gateway  *Gateway
	began    time.Time
	draining atomic.Bool

	server *http.Server
	socket net.Listener
	done   chan struct{}
}

func newAdmin(address string, g *Gateway) *admin {
	a := &admin{address: address, gateway: g, began: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", a.ready)
	mux.HandleFunc("/server_info", a.serverInfo)
	mux.HandleFunc("/quitquitquit", a.quit)
	mux.HandleFunc("/help", a.help)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "invalid path. ")
		}
		a.help(w, r)
	})
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	return a
}

func (a *admin) ready(w http.ResponseWriter, _ *http.Request) {
	if a.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, a.state())
}

func (a *admin) state() string {
	if a.draining.Load() {
		return "DRAINING"
	}
	return "LIVE"
}

func (a *admin) serverInfo(w http.ResponseWriter, _ *http.Request) {
	info := struct {
		State  string `json:"state"`
		Uptime string `json:"uptime_current_epoch"`
		Node   struct {
			ID      string `json:"id"`
			Cluster string `json:"cluster"`
		} `json:"node"`
	}{State: a.state(), Uptime: fmt.Sprintf("%ds", int(time.Since(a.began).Seconds()))}
	info.Node.ID, info.Node.Cluster = a.gateway.config.Node.ID, a.gateway.config.Node.Cluster
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(info)
}

func (a *admin) quit(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		fmt.Fprintf(w, "Method %s not allowed, POST required.\n", r.Method)
		return
	}
	fmt.Fprintln(w, "OK")
	if a.gateway.quit != nil {
		a.gateway.quit()
	}
}

func (a *admin) help(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, `admin commands are:
  /help: print out list of admin commands
  /quitquitquit (POST): exit the server
  /ready: print server state, return 200 if LIVE, otherwise return 503
  /server_info: print server state, uptime and node
`)
}

func (a *admin) listen(ctx context.Context) error {
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, network(a.address), a.address)
	if err != nil {
		return listenError("admin", a.address, "--admin", err)
	}
	a.socket = socket
	return nil
}

func (a *admin) serve() {
	a.done = make(chan struct{})
	go func() {
		defer close(a.done)
		if err := a.server.Serve(a.socket); !errors.Is(err, http.ErrServerClosed) {
			a.gateway.logger.Error("admin listener stopped", "error", err)
		}
	}()
}

// close ends the listener. A request that it is answering, /quitquitquit may be one, has a moment to end.
func (a *admin) close() {
	if a.socket == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if a.server.Shutdown(ctx) != nil {
		_ = a.server.Close()
	}
	_ = a.socket.Close() // where it was not served yet
	if a.done != nil {
		<-a.done
	}
}
