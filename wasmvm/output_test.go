package wasmvm

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestConsole(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	type w struct {
		stderr bool
		text   string
	}
	tests := []struct {
		name   string
		writes []w // of one callback
		want   []string
	}{
		{"a line", []w{{false, "one\n"}}, []string{"out one"}},
		{"lines", []w{{true, "one\ntwo\n\nfour\n"}}, []string{"err one", "err two", "err ", "err four"}},
		{"fragments", []w{{true, "o"}, {true, "n"}, {true, "e\nt"}, {true, "wo\n"}}, []string{"err one", "err two"}},
		{"two streams", []w{{true, "on"}, {false, "two\n"}, {true, "e\n"}}, []string{"out two", "err one"}},
		{"carriage return", []w{{false, "one\r\n"}}, []string{"out one"}},
		{"a line that fits", []w{{false, long + "\n"}}, []string{"out " + long}},
		{"a line too long", []w{{false, long + "yz\n"}}, []string{"out " + long, "out yz"}},
		{"bytes that are no text", []w{{false, "a\xff\xfeb\n"}}, []string{"out a\ufffdb"}},
		{"panic", []w{{true, "before\n"}, {true, "panic: "}, {true, "x"}, {true, "\n\ngoroutine 1:\n"}, {false, "between\n"}, {true, "main()\n"}},
			[]string{"err before", "out between", "err panic: x\n\ngoroutine 1:\nmain()"}},
		{"Rust", []w{{true, "thread 'main' panicked at src/lib.rs:1:\nboom\nnote: run\n"}},
			[]string{"err thread 'main' panicked at src/lib.rs:1:\nboom\nnote: run"}},
		{"a thread that is well", []w{{true, "thread 'main' is well\nboom\n"}}, []string{"err thread 'main' is well", "err boom"}},
		{"panic on stdout is text", []w{{false, "panic: x\ny\n"}}, []string{"out panic: x", "out y"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			c := console{sink: func(o Output) {
				if o.Stderr {
					got = append(got, "err "+o.Text)
				} else {
					got = append(got, "out "+o.Text)
				}
			}}
			c.callbackBegan()
			for _, w := range tt.writes {
				c.write(w.stderr, []byte(w.text))
			}
			c.callbackEnded()
			if !slices.Equal(got, tt.want) {
				t.Errorf("records = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestConsoleCrash(t *testing.T) {
	var records []string
	c := console{sink: func(o Output) { records = append(records, o.Text) }}
	t.Run("last lines", func(t *testing.T) {
		c.callbackBegan()
		c.write(false, []byte("one\ntwo, unfinished"))
		c.write(true, []byte("three"))
		if got := c.crashed(); got != "one\ntwo, unfinished\nthree" {
			t.Errorf("crashed = %q", got)
		}
	})
	t.Run("no line of an earlier callback", func(t *testing.T) {
		c.callbackBegan()
		if got := c.crashed(); got != "" {
			t.Errorf("crashed = %q", got)
		}
	})
	t.Run("unfinished panic", func(t *testing.T) {
		c.callbackBegan()
		c.write(true, []byte("fatal error: stop"))
		if got := c.crashed(); got != "fatal error: stop" {
			t.Errorf("crashed = %q", got)
		}
	})
	t.Run("many lines", func(t *testing.T) {
		c.callbackBegan()
		for range 10_000 {
			c.write(true, []byte("line\n"))
		}
		if got := c.crashed(); len(got) > maxTail || !strings.HasSuffix(got, "line\nline") {
			t.Errorf("crashed: %d bytes", len(got))
		}
	})
	t.Run("endless panic", func(t *testing.T) {
		c.callbackBegan()
		for range 10_000 {
			c.write(true, []byte("panic: "+strings.Repeat("x", 100)+"\n"))
		}
		records = nil
		got := c.crashed()
		if len(got) > maxReport+len(cutOff) || !strings.HasSuffix(got, cutOff) || len(records) != 1 {
			t.Errorf("crashed: %d bytes, %d records", len(got), len(records))
		}
	})
}

func FuzzConsole(f *testing.F) {
	f.Add([]byte("one\npanic: two\n\xffthree"), uint8(3))
	f.Add([]byte(strings.Repeat("x", maxLine+1)), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var text int
		c := console{sink: func(o Output) {
			if len(o.Text) > maxReport+3*maxReport+len(cutOff) || !utf8.ValidString(o.Text) {
				t.Fatalf("record of %d bytes", len(o.Text))
			}
			text += len(o.Text)
		}}
		c.callbackBegan()
		for i, rest := 0, b; len(rest) > 0; i++ {
			n := min(len(rest), int(step)+1)
			c.write(i%3 == 0, rest[:n])
			rest = rest[n:]
		}
		if len(c.crashed()) > maxReport*3+len(cutOff) {
			t.Fatal("last words too long")
		}
		if len(c.stdout)+len(c.stderr)+len(c.report) != 0 {
			t.Fatal("something is left")
		}
	})
}
