package conformance

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-gateway/sluice/envoyconfig"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginbuild"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// sluice is a gateway of ours that runs.
type sluice struct {
	lines  *pluginLog
	engine *wasmvm.Engine
	host   *pluginhost.Host
	gw     *gateway.Gateway
}

// startSluice starts our gateway with a configuration, in this process.
func startSluice(ctx context.Context, dir, config string) (*sluice, error) {
	file := filepath.Join(dir, "sluice.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	s := &sluice{lines: newPluginLog()}
	logger := slog.New(&logHandler{to: s.lines})
	loaded, _, err := envoyconfig.Load(file)
	if err != nil {
		return nil, err
	}
	cache, err := pluginbuild.CacheDir("wasm")
	if err != nil {
		return nil, err
	}
	if s.engine, err = wasmvm.NewEngine(ctx, wasmvm.EngineConfig{CacheDir: cache}); err != nil {
		return nil, err
	}
	s.host = pluginhost.New(pluginhost.Options{Engine: s.engine, Workers: 1, Logger: logger,
		Node: pluginhost.Node{ID: loaded.Node.ID, Cluster: loaded.Node.Cluster}})
	if s.gw, err = gateway.New(loaded, gateway.Options{Logger: logger, Plugins: s.host}); err == nil {
		err = s.gw.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *sluice) name() string    { return "Sluice" }
func (s *sluice) log() *pluginLog { return s.lines }

func (s *sluice) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var err error
	if s.gw != nil {
		err = s.gw.Close()
	}
	return errors.Join(err, s.host.Close(ctx), s.engine.Close(ctx))
}
