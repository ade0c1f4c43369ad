//go:build !wasip1

package wrapper

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzCallURL: what is sent of a URL stays on its line, and is what the URL says.
func FuzzCallURL(f *testing.F) {
	for _, s := range []string{"/a%2Fb?c#d", "http://u:p@h:1/a b?c", "a", "//h/p", "?a", "HTTP://", "x+1://h", "1x://h", "/\r\n", "://", "http://h#/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		authority, path, err := splitURL(raw)
		if err != nil {
			if authority != "" || path != "" {
				t.Fatalf("%q: %v, and %q %q", raw, err, authority, path)
			}
			return
		}
		if path == "" || path[0] != '/' || strings.ContainsAny(authority, "/?#@ ") || strings.ContainsAny(path, "# ") {
			t.Fatalf("%q: authority %q, path %q", raw, authority, path)
		}
		for _, c := range []byte(authority + path) {
			if c <= ' ' || c == 0x7f {
				t.Fatalf("%q: authority %q, path %q", raw, authority, path)
			}
		}
		// Where the standard library sees an absolute URL, so do we, and what stands in it is what is sent.
		if u, err := url.Parse(raw); err == nil && u.Scheme != "" && u.Host != "" {
			got, _, _ := strings.Cut(path, "?")
			if host, want := written(raw); authority != host || got != strings.ReplaceAll(want, " ", "%20") {
				t.Fatalf("%q: authority %q, path %q, want %q, %q", raw, authority, path, host, want)
			}
		}
	})
}

// written cuts host and path out of an absolute URL, as RFC 3986, appendix B, does.
func written(raw string) (host, path string) {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	_, rest, _ := strings.Cut(raw, "://")
	host, path, _ = strings.Cut(rest, "/")
	return host[strings.LastIndexByte(host, '@')+1:], "/" + path
}
