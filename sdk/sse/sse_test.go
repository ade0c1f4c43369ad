package sse_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/sse"
)

// text is an event, so that tests can compare it, and keep it. A field that is not there is "-".
type text struct {
	name, data, id, retry, comment string
	unterminated                   bool
}

func textOf(e sse.Event) text {
	field := func(b []byte) string {
		if b == nil {
			return "-"
		}
		return string(b)
	}
	retry := "-"
	if e.HasRetry {
		retry = fmt.Sprint(e.Retry)
	}
	return text{string(e.Name), field(e.Data), field(e.ID), retry, field(e.Comment), e.Unterminated}
}

// read takes a stream apart that comes in chunks, the last one marked so. It checks that nothing of it is lost.
func read(t testing.TB, chunks ...string) []text {
	t.Helper()
	var r sse.Reader
	var events []text
	var raw []byte
	for i, c := range chunks {
		chunk := []byte(c)
		r.Feed(chunk, i == len(chunks)-1)
		for r.Next() {
			e := r.Event()
			raw = append(raw, e.Raw...)
			if !e.Blank() {
				events = append(events, textOf(e))
			}
		}
		for i := range chunk {
			chunk[i] = 'X' // it is the caller's again
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	if all := strings.Join(chunks, ""); string(raw) != all {
		t.Fatalf("raw %q, stream %q", raw, all)
	}
	return events
}

var chat = strings.Join([]string{
	": connected", "", "retry: 3000", "",
	`id: 1`, `event: delta`, `data: {"choices":[{"delta":{"content":"Grüße"}}]}`, "",
	`data: {"a":`, `data: 1}`, "", `data: [DONE]`, "", "",
}, "\n")

func TestEvents(t *testing.T) {
	none := text{"", "-", "-", "-", "-", false}
	with := func(f func(*text)) text { e := none; f(&e); return e }
	data := func(s string) text { return with(func(e *text) { e.data = s }) }
	for name, tc := range map[string]struct {
		stream string
		want   []text
	}{
		"nothing":     {"", nil},
		"empty lines": {"\n\r\n\r", nil},
		"data":        {"data: x\n\n", []text{data("x")}},
		"CR LF":       {"data: x\r\n\r\ndata: y\r\n\r\n", []text{data("x"), data("y")}},
		"CR":          {"data: x\r\rdata: y\r\r", []text{data("x"), data("y")}},
		"mixed ends":  {"data: x\r\n\ndata: y\n\rdata: z\n\r\n", []text{data("x"), data("y"), data("z")}},
		"lines":       {"data: x\ndata: y\ndata\ndata:\n\n", []text{data("x\ny\n\n")}},
		"empty data":  {"data\n\ndata:\n\ndata: \n\n", []text{data(""), data(""), data("")}},
		"no space":    {"data:x\n\ndata:  x \n\n", []text{data("x"), data(" x ")}},
		"colons":      {"data: a:b: c\n\n", []text{data("a:b: c")}},
		"mark":        {"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", []text{data("x")}},
		"mark alone":  {"\xef\xbb\xbf\n\ndata: x\n\n", []text{data("x")}},
		"half a mark": {"\xef\xbbdata: x\n\n", nil},
		"all fields": {"event: e\nid: 7\nretry: 10\ndata: x\n: c\n:d\nother: y\n\n", []text{
			{"e", "x", "7", "10", "c\nd", false},
		}},
		"the last one counts": {"event: e\nevent: f\nid: 1\nid\nretry: 1\nretry: 2\n\n", []text{{"f", "-", "", "2", "-", false}}},
		"bad values":          {"id: a\x00b\nretry: 1s\ndata: x\n\nretry: -1\ndata: y\n\nretry: +1\n:\n\n", []text{data("x"), data("y"), with(func(e *text) { e.comment = "" })}},
		"unknown fields":      {"Data: x\n data: y\ndatax: z\n\n", nil},
		"no empty line":       {"data: x\n\ndata: y\n", []text{data("x"), with(func(e *text) { e.data, e.unterminated = "y", true })}},
		"no line end":         {"data: y", []text{with(func(e *text) { e.data, e.unterminated = "y", true })}},
		"keep-alive":          {":\n\n: ping\n\n", []text{with(func(e *text) { e.comment = "" }), with(func(e *text) { e.comment = "ping" })}},
		"a chat": {chat, []text{
			with(func(e *text) { e.comment = "connected" }), with(func(e *text) { e.retry = "3000" }),
			{"delta", `{"choices":[{"delta":{"content":"Grüße"}}]}`, "1", "-", "-", false},
			data("{\"a\":\n1}"), data("[DONE]"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := read(t, tc.stream); !reflect.DeepEqual(got, tc.want) {
				t.Fatalf("got %+v, want %+v", got, tc.want)
			}
			for i := range len(tc.stream) + 1 {
				if got := read(t, tc.stream[:i], tc.stream[i:]); !reflect.DeepEqual(got, tc.want) {
					t.Errorf("split at %d: got %+v, want %+v", i, got, tc.want)
				}
			}
			bytewise := append(strings.Split(tc.stream, ""), "")
			if got := read(t, bytewise...); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("rune by rune: got %+v, want %+v", got, tc.want)
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				var chunks []string
				for rest := tc.stream; ; {
					n := rnd.IntN(len(rest) + 1)
					chunks, rest = append(chunks, rest[:n]), rest[n:]
					if rest == "" {
						break
					}
				}
				if got := read(t, chunks...); !reflect.DeepEqual(got, tc.want) {
					t.Errorf("split as %q: got %+v, want %+v", chunks, got, tc.want)
				}
			}
		})
	}
}

// An event goes on as soon as its empty line is there, whatever its line ends.
func TestEventsDoNotWait(t *testing.T) {
	for _, stream := range []string{"data: x\n\n", "data: x\r\n\r\n", "data: x\r\r", "data: x\r\n\r"} {
		var r sse.Reader
		r.Feed([]byte(stream), false)
		if !r.Next() || string(r.Event().Data) != "x" {
			t.Errorf("%q is held back", stream)
		}
	}
}

// What lies within a chunk is not copied, even behind the end of an event that began in an earlier one.
func TestNoCopies(t *testing.T) {
	var r sse.Reader
	r.Feed([]byte("data: first, ha"), false)
	if r.Next() {
		t.Fatal("half an event")
	}
	chunk := []byte("lf\n\ndata: second\n\ndata: thi")
	r.Feed(chunk, false)
	if !r.Next() || string(r.Event().Data) != "first, half" {
		t.Fatalf("event %q", r.Event().Raw)
	}
	if !r.Next() || &r.Event().Raw[0] != &chunk[4] || &r.Event().Data[0] != &chunk[10] {
		t.Fatalf("event %q is a copy", r.Event().Raw)
	}
	if r.Next() {
		t.Fatal("half an event")
	}
	whole := []byte(strings.Repeat("event: delta\ndata: some text\n\n", 100))
	if n := testing.AllocsPerRun(10, func() {
		r := sse.Reader{}
		r.Feed(whole, true)
		for r.Next() {
			_ = r.Event()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTooLarge(t *testing.T) {
	for name, chunks := range map[string][]string{
		"in one chunk":   {"data: 1\n\ndata: 012345678901\n\n"},
		"over chunks":    {"data: 1\n\ndata: 0123", "45678", "9012"},
		"line by line":   {"data: 1\n\ndata: 0\n", "data: 1\n", "data: 2\n"},
		"without an end": {"data: 1\n\n", "0123456789012345678"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sse.Reader{Max: 18}
			var events []string
			for _, c := range chunks {
				r.Feed([]byte(c), false)
				for r.Next() {
					events = append(events, string(r.Event().Raw))
				}
				if r.Err() != nil {
					break
				}
			}
			if !errors.Is(r.Err(), sse.ErrTooLarge) || !slices.Equal(events, []string{"data: 1\n\n"}) {
				t.Fatalf("error %v, events %q", r.Err(), events)
			}
			if got, all := strings.Join(events, "")+string(r.Rest()), strings.Join(chunks, ""); got != all {
				t.Errorf("with the rest %q, stream %q", got, all)
			}
			r.Feed([]byte("\n\ndata: 2\n\n"), true)
			if r.Next() {
				t.Errorf("an event after the error: %q", r.Event().Raw)
			}
		})
	}
	t.Run("exactly", func(t *testing.T) {
		r := sse.Reader{Max: 9}
		r.Feed([]byte("data: x\n\ndata: y\n\n\n\n\n\n\n\n\n\n"), false)
		for range 2 {
			if !r.Next() {
				t.Fatal(r.Err())
			}
		}
	})
	t.Run("empty lines", func(t *testing.T) {
		r := sse.Reader{Max: 9}
		for range 1000 {
			r.Feed([]byte("\n"), false)
			for r.Next() {
			}
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
	})
	t.Run("default", func(t *testing.T) {
		var r sse.Reader
		r.Feed(make([]byte, sse.DefaultMax), false)
		if r.Next() || r.Err() != nil {
			t.Fatal(r.Err())
		}
		r.Feed([]byte("x"), false)
		if r.Next() || !errors.Is(r.Err(), sse.ErrTooLarge) {
			t.Fatal(r.Err())
		}
	})
}

func TestAppendEvent(t *testing.T) {
	b := func(s string) []byte { return []byte(s) }
	for name, tc := range map[string]struct {
		event sse.Event
		want  string
	}{
		"nothing":    {sse.Event{Raw: b("data: x\n\n")}, ""},
		"data":       {sse.Event{Data: b("x")}, "data: x\n\n"},
		"empty data": {sse.Event{Data: b("")}, "data:\n\n"},
		"lines":      {sse.Event{Data: b("a\n b\r\n\rc\n")}, "data: a\ndata:  b\ndata:\ndata: c\ndata:\n\n"},
		"all":        {sse.Event{Name: b("e"), Data: b("x"), ID: b("7"), Retry: 0, HasRetry: true, Comment: b("c\nd")}, ": c\n: d\nevent: e\nid: 7\nretry: 0\ndata: x\n\n"},
		"no id":      {sse.Event{ID: b("")}, "id:\n\n"},
		"smuggling":  {sse.Event{Name: b("e\n\ndata: y"), ID: b("1\r\ndata: z"), Data: b("x")}, "event: edata: y\nid: 1data: z\ndata: x\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(sse.AppendEvent(b("before"), tc.event)); got != "before"+tc.want {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// readLines is what Lines makes of a stream.
func readLines(t testing.TB, chunks ...string) []string {
	t.Helper()
	var l sse.Lines
	var lines []string
	for i, c := range chunks {
		chunk := []byte(c)
		l.Feed(chunk, i == len(chunks)-1)
		for l.Next() {
			lines = append(lines, string(l.Line()))
		}
		clear(chunk)
	}
	if l.Err() != nil {
		t.Fatal(l.Err())
	}
	return lines
}

func TestLines(t *testing.T) {
	for name, tc := range map[string]struct {
		stream string
		want   []string
	}{
		"nothing":       {"", nil},
		"a line":        {"a\n", []string{"a"}},
		"ends":          {"a\nb\rc\r\nd", []string{"a", "b", "c", "d"}},
		"empty":         {"\n\r\n\r\ra", []string{"", "", "", "", "a"}},
		"LF CR":         {"a\n\rb\n", []string{"a", "", "b"}},
		"not ASCII":     {"ä\u2028ö\n", []string{"ä\u2028ö"}},
		"lines of JSON": {`{"a":1}` + "\r\n" + `{"b":"\r\n"}` + "\n", []string{`{"a":1}`, `{"b":"\r\n"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range len(tc.stream) + 1 {
				if got := readLines(t, tc.stream[:i], tc.stream[i:]); !slices.Equal(got, tc.want) {
					t.Errorf("split at %d: got %q, want %q", i, got, tc.want)
				}
			}
			var bytewise []string
			for i := range len(tc.stream) {
				bytewise = append(bytewise, tc.stream[i:i+1])
			}
			if got := readLines(t, append(bytewise, "")...); !slices.Equal(got, tc.want) {
				t.Errorf("byte by byte: got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLinesTooLarge(t *testing.T) {
	l := sse.Lines{Max: 3}
	l.Feed([]byte("abc\nab"), false)
	if !l.Next() || string(l.Line()) != "abc" || l.Next() {
		t.Fatal(l.Err())
	}
	l.Feed([]byte("cd"), false)
	if l.Next() || !errors.Is(l.Err(), sse.ErrTooLarge) {
		t.Fatalf("error %v", l.Err())
	}
}

// FuzzSplit: however a stream is cut, the events and the lines are the same, nothing of it is lost, and what is written
// again is the same events.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(chat), []byte{3, 40, 1})
	f.Add([]byte("\xef\xbb\xbfdata: x\r\n\r\ndata: y\r\rid: 1\n\nretry: 1\n:c\n\n\n"), []byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		if len(stream) > 4096 {
			return
		}
		var chunks []string
		rest := string(stream)
		for _, c := range cuts {
			n := min(int(c), len(rest))
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		chunks = append(chunks, rest)
		whole, split := read(t, string(stream)), read(t, chunks...)
		if !reflect.DeepEqual(whole, split) {
			t.Fatalf("split as %q: %+v, whole %+v", chunks, split, whole)
		}
		if a, b := readLines(t, string(stream)), readLines(t, chunks...); !slices.Equal(a, b) {
			t.Fatalf("split as %q: lines %q, whole %q", chunks, b, a)
		}
		var r sse.Reader
		r.Feed(stream, true)
		var again []byte
		for r.Next() {
			again = sse.AppendEvent(again, r.Event())
		}
		for i := range whole {
			whole[i].unterminated = false
		}
		if bytes.HasPrefix(again, []byte("\xef\xbb\xbf")) {
			t.Fatalf("%q begins with a mark", again)
		}
		if got := read(t, string(again)); !reflect.DeepEqual(got, whole) {
			t.Fatalf("written again: %+v, was %+v", got, whole)
		}
	})
}
