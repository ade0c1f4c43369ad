package message

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func list(h *Headers) []string {
	var l []string
	for k, v := range h.All() {
		l = append(l, k+"="+v)
	}
	return l
}

func TestHeaders(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Headers)
		want   []string
	}{
		{"nothing", func(*Headers) {}, []string{":path=/", "a=1", "b=2", "a=3"}},
		{"append keeps both", func(h *Headers) { h.Append("B", "4") }, []string{":path=/", "a=1", "b=2", "a=3", "b=4"}},
		{"add of an unknown header keeps both", func(h *Headers) { h.Add("B", "4") }, []string{":path=/", "a=1", "b=2", "a=3", "b=4"}},
		{"add of a known header joins", func(h *Headers) {
			h.Add("Accept", "x")
			h.Add("accept", "y")
		}, []string{":path=/", "a=1", "b=2", "a=3", "accept=x,y"}},
		{"cookies join by semicolon", func(h *Headers) {
			h.Add("cookie", "x=1")
			h.Add("cookie", "y=2")
		}, []string{":path=/", "a=1", "b=2", "a=3", "cookie=x=1; y=2"}},
		{"set-cookie stays apart", func(h *Headers) {
			h.Add("set-cookie", "x=1")
			h.Add("set-cookie", "y=2")
		}, []string{":path=/", "a=1", "b=2", "a=3", "set-cookie=x=1", "set-cookie=y=2"}},
		{"set removes all and adds one", func(h *Headers) { h.Set("A", "9") }, []string{":path=/", "b=2", "a=9"}},
		{"del", func(h *Headers) { h.Del("a") }, []string{":path=/", "b=2"}},
		{"del of what is not there", func(h *Headers) { h.Del("zz") }, []string{":path=/", "a=1", "b=2", "a=3"}},
		{"reset", func(h *Headers) { h.Reset() }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := NewHeaders(":path", "/", "A", "1", "b", "2", "a", "3")
			tt.change(h)
			if got := list(h); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestHeadersLookup(t *testing.T) {
	h := NewHeaders("content-type", "text/plain", "x", "", "x", "2")
	if v, ok := h.GetBytes([]byte("Content-TYPE")); !ok || v != "text/plain" {
		t.Errorf("GetBytes in another case: %q %v", v, ok)
	}
	if v, ok := h.Get("x"); !ok || v != "" {
		t.Errorf("the first value counts, also an empty one: %q %v", v, ok)
	}
	if _, ok := h.Get("X"); ok {
		t.Error("Get takes names in lower case only")
	}
	if n := h.Bytes(); n != len("content-typetext/plain")+len("x")+len("x2") {
		t.Errorf("Bytes = %d", n)
	}
	key := []byte("Content-Type")
	if n := testing.AllocsPerRun(100, func() { h.GetBytes(key) }); n > 0 {
		t.Errorf("GetBytes allocates %v times", n)
	}
}

func TestHeadersWithin(t *testing.T) {
	h := NewHeaders("name", "value") // 9 bytes
	if !h.Within(9) || h.Within(8) {
		t.Error("the limit is inclusive")
	}
	for range 100 {
		h.Set("name", "other") // as long
		h.Add("accept", "x")
		h.Del("accept")
	}
	if !h.Within(9) {
		t.Error("what went away counts no more")
	}
	h.Add("cookie", "a")
	h.Add("cookie", "b")
	if h.Within(9+len("cookie")+3) || !h.Within(9+len("cookie")+len("a; b")) {
		t.Errorf("a joined value counts with its delimiter: %d bytes", h.Bytes())
	}
}

func TestHeadersPairs(t *testing.T) {
	h := NewHeaders(":path", "/", "empty", "", "a", "1")
	p, err := abi.ParsePairs(h.AppendPairs([]byte("before"))[len("before"):])
	if err != nil {
		t.Fatal(err)
	}
	var back Headers
	back.AddPairs(p)
	if !slices.Equal(list(h), list(&back)) {
		t.Errorf("got %v, want %v", list(&back), list(h))
	}
	if b := (&Headers{}).AppendPairs(nil); len(b) != 0 {
		t.Errorf("an empty list is no bytes, got %d", len(b))
	}
}

func TestBuffer(t *testing.T) {
	tests := []struct {
		name string
		do   func(*Buffer)
		want string
	}{
		{"append", func(b *Buffer) { b.Append([]byte("!")) }, "hello!"},
		{"append nothing", func(b *Buffer) { b.Append(nil) }, "hello"},
		{"prepend", func(b *Buffer) { b.Prepend([]byte("oh ")) }, "oh hello"},
		{"replace all", func(b *Buffer) { b.ReplaceFront(1<<31-1, []byte("bye")) }, "bye"},
		{"replace front", func(b *Buffer) { b.ReplaceFront(1, []byte("J")) }, "Jello"},
		{"drain", func(b *Buffer) { b.ReplaceFront(2, nil) }, "llo"},
		{"drain, then append", func(b *Buffer) { b.ReplaceFront(4, nil); b.Append([]byte("k")) }, "ok"},
		{"move onto it", func(b *Buffer) { s := Own([]byte(" you")); b.Move(&s) }, "hello you"},
		{"move borrowed onto it", func(b *Buffer) { s := Borrow([]byte(" you")); b.Move(&s) }, "hello you"},
		{"take", func(b *Buffer) { b.Take() }, ""},
	}
	for _, tt := range tests {
		for _, kind := range []string{"borrowed", "owned"} {
			t.Run(fmt.Sprintf("%s/%s", tt.name, kind), func(t *testing.T) {
				mem := []byte("hello-tail")
				b := Borrow(mem[:5:10])
				if kind == "owned" {
					b = Own(bytes.Clone(mem[:5]))
				}
				tt.do(&b)
				if got := string(b.Bytes()); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if string(mem) != "hello-tail" {
					t.Errorf("wrote to borrowed memory: %q", mem)
				}
			})
		}
	}
}

func TestBufferMoveTakesOver(t *testing.T) {
	src := Own([]byte("abc"))
	p := &src.Bytes()[0]
	var b Buffer
	b.Move(&src)
	if &b.Bytes()[0] != p || src.Len() != 0 {
		t.Error("an owned buffer moves into an empty one without a copy")
	}
	mem := []byte("abc")
	src = Borrow(mem)
	b.Reset()
	b.Move(&src)
	mem[0] = 'x'
	if string(b.Bytes()) != "abc" {
		t.Error("a borrowed buffer must be copied when it is moved")
	}
}
