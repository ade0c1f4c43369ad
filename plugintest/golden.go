package plugintest

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func init() {
	if flag.Lookup("update") == nil { // whoever defined it first means the same by it
		flag.Bool("update", false, "write golden files anew (plugintest)")
	}
}

// unsteady are the headers that golden files leave out: they are another each time, or the kit's own.
var unsteady = []string{"Date", "X-Request-Id", "X-Envoy-Upstream-Service-Time", "X-Envoy-Expected-Rq-Timeout-Ms", "X-Forwarded-Proto"}

// Golden compares what became of a request with a golden file: what the client sent, what the upstream got, what the client
// got. `go test -update` writes the file, with its folders, in place of comparing. Headers are sorted; those that are
// another each time (date, x-request-id and the like), or that the gateway adds to every request, are left out.
func Golden(t testing.TB, file string, got *Response) {
	t.Helper()
	text := got.Text()
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("plugintest: %v", err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatalf("plugintest: %v", err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("plugintest: %v (go test -update writes it)", err)
	}
	if diff := firstDifference(string(want), text); diff != "" {
		t.Errorf("plugintest: %s: %s\nall of it:\n%s(go test -update takes it as right)", file, diff, text)
	}
}

// Text is the response as [Golden] writes it.
func (r *Response) Text() string {
	var b strings.Builder
	if q := r.request; q != nil {
		fmt.Fprintf(&b, "client sends\n\n%s %s\n", q.method, q.target)
		h, trailer := http.Header{}, http.Header{}
		for _, f := range q.fields {
			h.Add(f.name, f.value)
		}
		for _, f := range q.trailers {
			trailer.Add(f.name, f.value)
		}
		message(&b, h, strings.Join(q.pieces, ""), trailer)
	}
	if u := r.Upstream; u != nil {
		fmt.Fprintf(&b, "upstream gets\n\n%s %s\nhost: %s\n", u.Method, u.Path, u.Host)
		message(&b, u.Header, u.Body, u.Trailer)
	} else {
		b.WriteString("upstream gets nothing\n\n")
	}
	if r.Status == 0 {
		b.WriteString("client gets no answer\n\n")
	} else {
		fmt.Fprintf(&b, "client gets\n\n%d\n", r.Status)
		message(&b, r.Header, r.Body, r.Trailer)
	}
	if r.Err != nil && r.Status != 0 {
		b.WriteString("the answer is broken off\n\n")
	}
	fmt.Fprintf(&b, "details %s\n", r.Details)
	return b.String()
}

// message writes headers, body and trailers, each ended by an empty line where it is there.
func message(b *strings.Builder, header http.Header, body string, trailer http.Header) {
	fields(b, header)
	b.WriteString("\n")
	if body != "" {
		b.WriteString(body)
		b.WriteString("\n\n")
	}
	if len(trailer) > 0 {
		b.WriteString("trailers\n")
		fields(b, trailer)
		b.WriteString("\n")
	}
}

func fields(b *strings.Builder, h http.Header) {
	var lines []string
	for name, values := range h {
		if slices.Contains(unsteady, http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, v := range values {
			lines = append(lines, strings.ToLower(name)+": "+v+"\n")
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, ":")
		nameB, _, _ := strings.Cut(b, ":")
		return strings.Compare(nameA, nameB)
	})
	for _, line := range lines {
		b.WriteString(line)
	}
}

// firstDifference says where two texts differ first, "" if nowhere.
func firstDifference(want, got string) string {
	if want == got {
		return ""
	}
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < min(len(wants), len(gots)) && wants[i] == gots[i] {
		i++
	}
	line := func(lines []string) string {
		if i < len(lines) {
			return fmt.Sprintf("%q", lines[i])
		}
		return "its end"
	}
	return fmt.Sprintf("line %d is %s, want %s", i+1, line(gots), line(wants))
}
