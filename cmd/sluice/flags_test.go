package main

import (
	"io"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestFlagsAndArgumentsInAnyOrder(t *testing.T) {
	for _, tt := range []struct {
		name       string
		args, want []string
		config     string
	}{
		{"flags first", []string{"--config", "x", "a"}, []string{"a"}, "x"},
		{"flags last", []string{"a", "-config=x"}, []string{"a"}, "x"},
		{"between", []string{"a", "--config", "x", "b"}, []string{"a", "b"}, "x"},
		{"after two dashes", []string{"a", "--", "--config", "x"}, []string{"a", "--config", "x"}, ""},
		{"none", nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &runOptions{}
			got, err := o.flags().parse(streams{io.Discard, io.Discard}, tt.args)
			if err != nil || !slices.Equal(got, tt.want) || o.config != tt.config {
				t.Errorf("got %q, %v and the config %q", got, err, o.config)
			}
		})
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "4KiB": 4096, "256MiB": 256 << 20, "1GiB": 1 << 30, "1024GiB": 1 << 40} {
		var b byteSize
		if err := b.Set(text); err != nil || uint64(b) != want {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "1MB", "1.5GiB", "MiB", "1025GiB", "18446744073709551615GiB"} {
		var b byteSize
		if err := b.Set(text); err == nil {
			t.Errorf("%q is taken as %d", text, b)
		}
	}
	for n, want := range map[byteSize]string{0: "", 5: "5", 1 << 20: "1MiB", 3 << 30: "3GiB"} {
		if got := n.String(); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestLogLevels(t *testing.T) {
	for i, name := range logLevels {
		if got := abi.LogLevel(i).String(); got != name {
			t.Errorf("the ABI calls %s %s", name, got)
		}
	}
}

func TestUpstreamAddress(t *testing.T) {
	for given, want := range map[string]string{
		"http://127.0.0.1:8080": "127.0.0.1:8080",
		"http://a.example/":     "a.example:80",
		"a.example:81":          "a.example:81",
		"http://[::1]:8080":     "[::1]:8080",
		"https://a.example":     "",
		"ftp://a.example":       "",
		"http://":               "",
		"http://a/b":            "",
		"http://a/?b":           "",
		"http://a:b":            "",
	} {
		got, err := upstreamAddress(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", given, got, err)
		}
	}
}
