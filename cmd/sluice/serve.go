package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// errKilled ends the process at once, after a second signal.
var errKilled = errors.New("stopped at once by a second signal")

// serve runs a gateway until a signal ends it. ready is called when it accepts connections.
func (o *runOptions) serve(s streams, logger *slog.Logger, cfg *gateway.Config, ready func(*gateway.Gateway)) (err error) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)

	cache, cacheErr := cacheDir("wasm")
	if cacheErr != nil {
		logger.Warn("compiled modules are not kept: no cache folder", "error", cacheErr)
		cache = ""
	}
	ctx := context.Background()
	engine, err := wasmvm.NewEngine(ctx, wasmvm.EngineConfig{CacheDir: cache})
	if err != nil {
		return err
	}
	host := pluginhost.New(pluginhost.Options{
		Engine:  engine,
		Workers: o.workerCount(),
		Logger:  logger,
		Node:    pluginhost.Node{ID: cfg.Node.ID, Cluster: cfg.Node.Cluster},
	})
	defer func() {
		if errors.Is(err, errKilled) {
			return // the process ends; nothing is waited for
		}
		err = errors.Join(err, host.Close(ctx), engine.Close(ctx))
	}()
	quit := make(chan struct{}, 1)
	gw, err := gateway.New(cfg, gateway.Options{Logger: logger, Plugins: host, Quit: func() {
		select {
		case quit <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		return err
	}
	if err := start(ctx, gw, signals); err != nil {
		return startError(err)
	}
	for _, l := range cfg.Listeners {
		logger.Debug("listening", "listener", l.Name, "address", gw.Addr(l.Name))
	}
	if ready != nil {
		ready(gw)
	} else {
		for _, l := range cfg.Listeners {
			logger.Info("ready", "listener", l.Name, "address", gw.Addr(l.Name).String())
		}
	}
	select {
	case sig := <-signals:
		logger.Info("draining; a second signal ends at once", "signal", sig.String(), "timeout", o.drainTimeout)
	case <-quit:
		logger.Info("draining; asked by the admin listener", "timeout", o.drainTimeout)
	}
	return o.drain(ctx, gw, signals)
}

// start starts a gateway; a signal stops it from starting.
func start(ctx context.Context, gw *gateway.Gateway, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- gw.Start(ctx) }()
	select {
	case err := <-started:
		return err
	case <-signals:
		// A start that does not heed the context, as in the middle of a compilation, is left behind: the process ends.
		return errKilled
	}
}

// drain lets requests in flight end.
func (o *runOptions) drain(ctx context.Context, gw *gateway.Gateway, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, o.drainTimeout)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- gw.Shutdown(ctx) }()
	select {
	case err := <-drained:
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were cut off, still in flight after %v", o.drainTimeout)
		}
		return err
	case <-signals:
		return errKilled
	}
}

// startError adds what to do to the errors of starting that do not say it.
func startError(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; stop what listens there, or choose another address", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; ports below 1024 may need a privilege", err)
	}
	return err
}
