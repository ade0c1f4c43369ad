package abi_test

import (
	"fmt"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestNumbers(t *testing.T) {
	for name, tc := range map[string]struct {
		value fmt.Stringer
		n     uint32
		text  string
	}{
		"status":         {abi.StatusUnimplemented, 12, "unimplemented"},
		"cas mismatch":   {abi.StatusCasMismatch, 8, "cas mismatch"},
		"unknown status": {abi.Status(99), 99, "status 99"},
		"level":          {abi.LogCritical, 5, "critical"},
		"unknown level":  {abi.LogLevel(1 << 31), 1 << 31, "level 2147483648"},
		"buffer":         {abi.BufferRedisCallResponse, 9, "redis call response"},
		"map":            {abi.MapHTTPCallResponseTrailers, 7, "http call response trailers"},
		"unknown map":    {abi.MapType(8), 8, "map 8"},
		"stream":         {abi.StreamUpstream, 3, "upstream"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprintf("%d", tc.value); got != fmt.Sprint(tc.n) || tc.value.String() != tc.text {
				t.Fatalf("%s is %s, want %q, %d", tc.value, got, tc.text, tc.n)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for v, want := range map[abi.Version][2]string{
		abi.Version0_1_0:   {"0.1.0", "proxy_abi_version_0_1_0"},
		abi.Version0_2_0:   {"0.2.0", "proxy_abi_version_0_2_0"},
		abi.Version0_2_1:   {"0.2.1", "proxy_abi_version_0_2_1"},
		abi.Version0_2_100: {"0.2.100", "proxy_abi_version_0_2_100"},
		abi.VersionUnknown: {"unknown", ""},
		abi.Version(77):    {"unknown", ""},
	} {
		if got := [2]string{v.String(), v.Export()}; got != want {
			t.Errorf("version %d: %q, want %q", uint8(v), got, want)
		}
	}
}
