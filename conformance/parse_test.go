package conformance

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWire(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"request":           {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		"no empty line":     {"GET / HTTP/1.1\nHost: a\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		"response":          {"HTTP/1.1 204 No Content\n", "HTTP/1.1 204 No Content\r\n\r\n"},
		"body":              {"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"},
		"body of lines":     {"HTTP/1.1 200 OK\n\na\n\nb\n", "HTTP/1.1 200 OK\r\n\r\na\n\nb"},
		"piece":             {"abc\n", "abc"},
		"piece with escape": {`3\r\nabc\r\n` + "\n", "3\r\nabc\r\n"},
		"quotes and bytes":  {`"\x00"` + "\n", "\"\x00\""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := step{text: tc.text}.wire()
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
	if _, err := (step{text: `\q`}).wire(); err == nil {
		t.Error("a bad escape passes")
	}
}

func TestReadSteps(t *testing.T) {
	steps, err := readSteps("\n> send a b\nx\n\ny\n> read\n")
	if err != nil || len(steps) != 2 || steps[0].verb != "send" || !slices.Equal(steps[0].args, []string{"a", "b"}) ||
		steps[0].text != "x\n\ny\n" || steps[1].verb != "read" || steps[1].text != "" {
		t.Errorf("%+v, %v", steps, err)
	}
	for _, bad := range []string{"x\n> send\n", ">\n"} {
		if _, err := readSteps(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
	if err := checkVerbs("client", []step{{verb: "hang"}}); err == nil {
		t.Error("a client hangs")
	}
}

func TestReadCaseRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"no title":          {"-- script --\n", "no title"},
		"unknown section":   {"t\n-- scripts --\n", "out of order"},
		"no such section":   {"t\n-- upstreams --\n", `no section "upstreams"`},
		"script order":      {"t\n-- script2 --\n", "out of order"},
		"differs, no lines": {"t\n-- differs --\nbecause\n", "no reason, or no lines"},
		"bad steps":         {"t\n-- client --\nGET\n", "before the first step"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.txtar")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadCase(file); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	if d := compare("a\nb\n", "a\nb\n"); len(d) != 0 {
		t.Errorf("%q", d)
	}
	if d := compare("a\nb\nc\n", "a\nx\nc\ny\n"); !slices.Equal(d, []string{"-b", "+x", "+y"}) {
		t.Errorf("%q", d)
	}
	r := &Result{Case: &Case{Name: "n"}, Difference: []string{"-a"}}
	if r.Err() == nil {
		t.Error("a difference passes")
	}
	r.Case.Differs, r.Case.Difference = "because", []string{"-a"}
	if err := r.Err(); err != nil {
		t.Errorf("a difference by choice: %v", err)
	}
	r.Difference = nil
	if r.Err() == nil {
		t.Error("a difference by choice that is none passes")
	}
}

func TestJoinEnds(t *testing.T) {
	got := joinEnds([]string{"response_headers 0", "response_body 6", "response_body 0 end", "request_body 0 end", "done 0"})
	want := []string{"response_headers 0", "response_body 6 end", "request_body 0 end", "done 0"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
