//go:build !wasip1

package proxywasm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// trimmingHost reads header values as some hosts do: trimmed, and a blank one as none. Of an empty map it gives the
// encoding of no pairs.
type trimmingHost struct{ *hosttest.Host }

func (h trimmingHost) GetHeaderMapValue(dst []byte, m abi.MapType, key []byte) ([]byte, abi.Status) {
	v, st := h.Host.GetHeaderMapValue(nil, m, key)
	text := strings.TrimSpace(string(v))
	if st == abi.StatusOK && text == "" {
		return dst, abi.StatusNotFound
	}
	return append(dst, text...), st
}

func (h trimmingHost) GetHeaderMapPairs(dst []byte, m abi.MapType) ([]byte, abi.Status) {
	return abi.AppendPairs(dst, h.Headers[m]), abi.StatusOK
}

// The second read of a header is answered as the first was.
func TestHeaderReadsAreTheHosts(t *testing.T) {
	host := trimmingHost{hosttest.New()}
	host.Headers[abi.MapHTTPRequestHeaders] = [][2]string{{"x-a", "1"}, {"x-blank", " "}, {"x-empty", ""}, {"x-padded", "\t2 "}}
	inRequest(t, host, func() {
		for range 3 {
			wantHeader(t, "x-a", "1")
			wantHeader(t, "x-padded", "2")
			for _, key := range []string{"x-blank", "x-empty"} {
				if v, err := proxywasm.GetHttpRequestHeader(key); !errors.Is(err, types.ErrorStatusNotFound) {
					t.Errorf("%s is %q, %v", key, v, err)
				}
			}
		}
	})
}

func TestEmptyMaps(t *testing.T) {
	t.Run("nothing", func(t *testing.T) {
		host := hosttest.New()
		host.Headers[abi.MapHTTPRequestHeaders] = [][2]string{}
		inRequest(t, host, func() {
			if got, err := proxywasm.GetHttpRequestHeaders(); !errors.Is(err, types.ErrorStatusNotFound) {
				t.Errorf("%q, %v", got, err)
			}
		})
	})
	t.Run("no pairs", func(t *testing.T) {
		host := trimmingHost{hosttest.New()}
		host.Headers[abi.MapHTTPRequestHeaders] = nil
		inRequest(t, host, func() {
			if got, err := proxywasm.GetHttpRequestHeaders(); err != nil || got == nil || len(got) != 0 {
				t.Errorf("%q, %v", got, err)
			}
		})
	})
}
