//go:build !wasip1

package wrapper

import (
	"net/url"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]struct{ host, target, err string }{
		"":                             {"", "/", ""},
		"/":                            {"", "/", ""},
		"a/b":                          {"", "/a/b", ""},
		"?q=1":                         {"", "/?q=1", ""},
		"/a%2Fb/%20c?d=%41+e%20f&g=%":  {"", "/a%2Fb/%20c?d=%41+e%20f&g=%", ""},
		"/a b/é":                       {"", "/a%20b/%C3%A9", ""},
		"/a#b?c":                       {"", "/a", ""},
		"/a?":                          {"", "/a?", ""},
		"/a:b":                         {"", "/a:b", ""},
		"/?u=http://h/p":               {"", "/?u=http://h/p", ""},
		"/u/http://h/p":                {"", "/u/http://h/p", ""},
		"http://h":                     {"h", "/", ""},
		"HTTPS://h:1?q":                {"h:1", "/?q", ""},
		"http://[::1]:80/p":            {"[::1]:80", "/p", ""},
		"//h/p":                        {"h", "/p", ""},
		"http://":                      {"", "", "URL"},
		"http:///p":                    {"", "", "URL"},
		"http://:80/":                  {"", "", "URL"},
		"//":                           {"", "", "URL"},
		"http://a b/":                  {"", "", "URL"},
		"http://h\\@evil/":             {"", "", "user information"},
		"ws://h/":                      {"", "", "http"},
		"mailto:a":                     {"", "", "URL"},
		"h:80/p":                       {"", "", "URL"},
		"http://u@h/":                  {"", "", "user information"},
		"/%":                           {"", "", "hexadecimal"},
		"/%2":                          {"", "", "hexadecimal"},
		"/a\nb":                        {"", "", "URL"},
		"/\x7f":                        {"", "", "URL"},
		"/?a=\r\nx: y":                 {"", "", "URL"},
		"/" + strings.Repeat("%41", 9): {"", "/" + strings.Repeat("%41", 9), ""},
	} {
		t.Run(in, func(t *testing.T) {
			host, target, err := parseTarget(in)
			if host != want.host || target != want.target || (err != nil) != (want.err != "") ||
				err != nil && !strings.Contains(err.Error(), want.err) {
				t.Errorf("host %q, target %q, error %v, want %+v", host, target, err, want)
			}
		})
	}
}

// FuzzParseTarget holds that what is sent can stand in a request line, and is what net/url makes of the URL where that
// takes it.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"/a%2Fb?c#d", "http://h:1/p q", "//h", "?", "a:b", "/\xff", "http://[::1]/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<12 {
			t.Skip("long")
		}
		host, target, err := parseTarget(s)
		if err != nil {
			return
		}
		if target == "" || target[0] != '/' || strings.ContainsAny(host+target, " \t\r\n\x00#") {
			t.Fatalf("%q: host %q, target %q", s, host, target)
		}
		u, err := url.Parse(s)
		if err != nil {
			return
		}
		if host != u.Host && !strings.Contains(u.Host, "%") {
			t.Fatalf("%q: host %q, net/url has %q", s, host, u.Host)
		}
		path, _, _ := strings.Cut(target, "?")
		want := u.EscapedPath()
		if !strings.HasPrefix(want, "/") {
			want = "/" + want
		}
		decoded, ok := unescape(path)
		if want, _ = unescape(want); !ok || decoded != want {
			t.Fatalf("%q: path %q, net/url has %q", s, decoded, want)
		}
	})
}
