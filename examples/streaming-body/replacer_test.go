package main

import (
	"bytes"
	"testing"
)

// inPieces runs body through a replacer, cut after every size bytes.
func inPieces(find, replace, body []byte, size int) []byte {
	r := replacer{find: find, replace: replace}
	var out []byte
	for {
		n := min(size, len(body))
		out = append(out, r.next(body[:n], n == len(body))...)
		if body = body[n:]; len(body) == 0 {
			return out
		}
	}
}

func TestReplacerFindsWordsAcrossChunks(t *testing.T) {
	tests := []struct{ name, find, replace, body, want string }{
		{"nothing to find", "old", "new", "some text", "some text"},
		{"empty body", "old", "new", "", ""},
		{"only the word", "old", "new", "old", "new"},
		{"many", "old", "new", "old older bold", "new newer bnew"},
		{"longer", "a", "aa", "banana", "baanaanaa"},
		{"shorter", "banana", "b", "a banana, bananas", "a b, bs"},
		{"to nothing", "x", "", "xxaxx", "a"},
		{"begins and does not come", "abcd", "!", "abcabcabc", "abcabcabc"},
		{"begins within itself", "aab", "!", "aaab aaaab", "a! aa!"},
		{"begun at the end", "old", "new", "this is ol", "this is ol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.body)+1; size++ {
				if got := inPieces([]byte(tt.find), []byte(tt.replace), []byte(tt.body), size); string(got) != tt.want {
					t.Errorf("in pieces of %d: got %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

// FuzzReplacer holds that how a body is cut makes no difference.
func FuzzReplacer(f *testing.F) {
	f.Add([]byte("old"), []byte("new"), []byte("this is old"), uint8(2))
	f.Add([]byte("aab"), []byte(""), []byte("aaaaab"), uint8(1))
	f.Fuzz(func(t *testing.T, find, replace, body []byte, size uint8) {
		if len(find) == 0 || size == 0 {
			return
		}
		want := bytes.ReplaceAll(body, find, replace)
		if got := inPieces(find, replace, body, int(size)); !bytes.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
