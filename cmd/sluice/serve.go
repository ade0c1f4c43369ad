package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginbuild"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// What ends the process at once, with work left undone.
var (
	errKilled      = errors.New("stopped at once by a second signal; requests in flight were cut off")
	errInterrupted = errors.New("stopped by a signal before it was ready")
)

// serve runs a gateway until a signal ends it. ready is called when it accepts connections.
func (o *runOptions) serve(s streams, logger *slog.Logger, cfg *gateway.Config, ready func(*gateway.Gateway)) (err error) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)

	cache, cacheErr := pluginbuild.CacheDir("wasm")
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
		if errors.Is(err, errKilled) || errors.Is(err, errInterrupted) {
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
		return o.startError(err)
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
		logger.Info("draining; a second signal ends at once", "signal", sig.String(), "timeout", time.Duration(o.drainTimeout))
	case <-quit:
		logger.Info("draining; asked by the admin listener", "timeout", time.Duration(o.drainTimeout))
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
		return errInterrupted
	}
}

// drain lets requests in flight end.
func (o *runOptions) drain(ctx context.Context, gw *gateway.Gateway, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.drainTimeout))
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- gw.Shutdown(ctx) }()
	select {
	case err := <-drained:
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were cut off, still in flight after %v", time.Duration(o.drainTimeout))
		}
		return err
	case <-signals:
		return errKilled
	}
}

// startError leaves away where in the configuration a plugin stands if the command line named it.
func (o *runOptions) startError(err error) error {
	var start *pluginhost.StartError
	if o.envoy == "" && errors.As(err, &start) {
		return start
	}
	return err
}
