//go:build !wasip1

package wrapper_test

import (
	"slices"
	"strings"
	"testing"
)

// TestClientsInModules holds that a module carries the client that it uses, what that needs of the host, and nothing of the
// other. TestModule has a plugin with neither.
func TestClientsInModules(t *testing.T) {
	for name, tc := range map[string]struct {
		imports []string // of the ones for call-outs
		size    int
	}{
		"httpclient":  {[]string{"env.proxy_http_call"}, 2_900_000},
		"redisclient": {[]string{"env.proxy_redis_call", "env.proxy_redis_init"}, 3_300_000},
	} {
		t.Run(name, func(t *testing.T) {
			code := build(t, "../internal/testdata/"+name)
			imports, _ := names(t, code)
			imports = slices.DeleteFunc(imports, func(s string) bool { return !strings.Contains(s, "_call") && !strings.Contains(s, "redis") })
			slices.Sort(imports)
			if !slices.Equal(imports, tc.imports) {
				t.Errorf("imports %q, want %q", imports, tc.imports)
			}
			if len(code) > tc.size {
				t.Errorf("the module has %d bytes, more than %d", len(code), tc.size)
			}
		})
	}
}
