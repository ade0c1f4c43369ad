// Package envoyconfig reads Envoy's bootstrap configuration, as YAML or JSON, and makes a [gateway.Config] of it.
//
// Every field that a file sets is one of three, as [Table] says: implemented; without effect, for which there is a
// [Warning]; or refused, for which there is an [Error]. Nothing is dropped in silence. All errors of a file are
// reported at once, each with the file, the line and the field's path:
//
//	envoy.yaml:23: static_resources.clusters[0].type: EDS is not implemented; use STATIC or STRICT_DNS or LOGICAL_DNS
//
// YAML is read as Envoy reads it, plain scalars included: yes is a Boolean, 010 is eight. Anchors and aliases are
// followed; a key with the tag !ignore is left out; merge keys, other tags, duplicate keys and second documents are
// refused.
//
// Values are checked by the constraints that Envoy's API carries, and then for what they mean together: that clusters
// exist, that names and domains are unique, that regular expressions compile, that files are there.
package envoyconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"

	"github.com/sluice-gateway/sluice/gateway"
)

// Option changes what a configuration may reach.
type Option func(*options)

type options struct {
	readFile  func(name string) ([]byte, error)
	lookupEnv func(name string) (string, bool)
}

// WithReadFile has files that the configuration names (modules, bodies, log formats) read by f. The default reads the
// file system: a relative name is looked for in the working directory, as Envoy does, and then in the configuration
// file's folder.
func WithReadFile(f func(name string) ([]byte, error)) Option {
	return func(o *options) { o.readFile = f }
}

// WithLookupEnv has environment variables that the configuration names read by f. The default is [os.LookupEnv].
func WithLookupEnv(f func(name string) (string, bool)) Option {
	return func(o *options) { o.lookupEnv = f }
}

// Load reads the bootstrap configuration in a file. A name that ends in .json is read as JSON, every other as YAML.
//
// Files that cannot be read give an error that wraps the cause (fs.ErrNotExist); a configuration that is refused gives
// [Errors], or one [*Error] where the text is not YAML or JSON at all. The warnings are complete only without an error.
func Load(path string, opts ...Option) (*gateway.Config, []Warning, error) {
	data, err := readFile(path, maxFileSize)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return Parse(path, data, opts...)
}

// Parse reads a bootstrap configuration. name is the file's name: it stands in errors and warnings, its ending tells JSON
// from YAML, and its folder is where relative names are looked for.
func Parse(name string, data []byte, opts ...Option) (*gateway.Config, []Warning, error) {
	o := options{readFile: fileReader(filepath.Dir(name)), lookupEnv: os.LookupEnv}
	for _, opt := range opts {
		opt(&o)
	}
	if len(data) > maxFileSize {
		return nil, nil, &Error{File: name, Message: fmt.Sprintf("is larger than %d MiB", maxFileSize>>20)}
	}
	n, warnings, err := readNode(name, data)
	if err != nil {
		return nil, nil, err
	}
	d := newDecoder(name)
	d.warnings = warnings
	bootstrap := &bootstrapv3.Bootstrap{}
	d.root(n, bootstrap)
	if err := d.err(); err != nil {
		return nil, d.warnings, err
	}
	t := &translator{decoder: d, options: o, files: map[string][]byte{}, clusters: map[string]bool{}}
	cfg := t.bootstrap(bootstrap)
	if err := t.err(); err != nil {
		return nil, t.warnings, err
	}
	return cfg, t.warnings, nil
}

func readNode(name string, data []byte) (*node, []Warning, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		n, err := readJSON(name, data)
		return n, nil, err
	}
	return readYAML(name, data, envoyScalars)
}

// maxModuleSize bounds the files that a configuration names.
const maxModuleSize = 256 << 20

// fileReader reads the files that a configuration in the folder dir names.
func fileReader(dir string) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		data, err := readFile(name, maxModuleSize)
		if errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(name) {
			if beside, besideErr := readFile(filepath.Join(dir, name), maxModuleSize); !errors.Is(besideErr, os.ErrNotExist) {
				return beside, besideErr
			}
		}
		return data, err
	}
}

// readFile reads a regular file; devices and pipes, which may have no end, are refused.
func readFile(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &os.PathError{Op: "read", Path: name, Err: errors.New("is a folder")}
	case !info.Mode().IsRegular():
		return nil, &os.PathError{Op: "read", Path: name, Err: errors.New("is not a regular file")}
	case info.Size() > limit:
		return nil, &os.PathError{Op: "read", Path: name, Err: fmt.Errorf("is larger than %d MiB", limit>>20)}
	}
	return os.ReadFile(name)
}
