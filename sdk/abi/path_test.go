package abi_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func segments(p abi.Path) []string {
	var s []string
	for {
		segment, rest, ok := p.Next()
		if !ok {
			return s
		}
		s = append(s, string(segment))
		p = rest
	}
}

func TestPaths(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		want []string
	}{
		"empty":         {"", nil},
		"one":           {"route_name", []string{"route_name"}},
		"two":           {"request\x00path", []string{"request", "path"}},
		"trailing NUL":  {"request\x00path\x00", []string{"request", "path"}},
		"empty segment": {"a\x00\x00b", []string{"a", "", "b"}},
		"leading NUL":   {"\x00a", []string{"", "a"}},
		"only a NUL":    {"\x00", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := segments(abi.Path(tc.path)); !slices.Equal(got, tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAppendPath(t *testing.T) {
	if got := abi.AppendPath([]byte("x"), "request", "headers", "x-a"); string(got) != "xrequest\x00headers\x00x-a" {
		t.Fatalf("got %q", got)
	}
	if got := abi.AppendPath(nil); len(got) != 0 {
		t.Fatalf("got %q", got)
	}
}

// FuzzPath splits any bytes and puts them together again.
func FuzzPath(f *testing.F) {
	f.Add([]byte("request\x00path"))
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got := abi.AppendPath(nil, segments(b)...)
		if want := bytes.TrimSuffix(b, []byte{0}); !bytes.Equal(got, want) && !bytes.Equal(got, b) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func ExamplePath_Next() {
	path := abi.Path(abi.AppendPath(nil, "request", "headers", "accept"))
	for {
		segment, rest, ok := path.Next()
		if !ok {
			break
		}
		fmt.Printf("%s\n", segment)
		path = rest
	}
	// Output:
	// request
	// headers
	// accept
}
