package redis

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestReplies(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("*1\r\n", n) + ":1\r\n" }
	for _, tt := range []struct {
		name string
		in   string
		err  error
		size int // of the reply, 0 for all of it, -1 for not complete
	}{
		{name: "simple string", in: "+OK\r\n"},
		{name: "empty simple string", in: "+\r\n"},
		{name: "error", in: "-ERR no such thing\r\n"},
		{name: "integer", in: ":-12\r\n"},
		{name: "smallest integer", in: ":-9223372036854775808\r\n"},
		{name: "bulk string", in: "$5\r\na\r\nbc\r\n"},
		{name: "empty bulk string", in: "$0\r\n\r\n"},
		{name: "null bulk string", in: "$-1\r\n"},
		{name: "null array", in: "*-1\r\n"},
		{name: "empty array", in: "*0\r\n"},
		{name: "nested", in: "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n$-1\r\n"},
		{name: "two replies", in: "+OK\r\n+OK\r\n", size: 5},
		{name: "deepest", in: deep(maxDepth)},
		{name: "too deep", in: deep(maxDepth + 1), err: ErrProtocol},
		{name: "incomplete line", in: "+OK", size: -1},
		{name: "incomplete bulk string", in: "$5\r\nabc", size: -1},
		{name: "incomplete array", in: "*2\r\n:1\r\n", size: -1},
		{name: "RESP3 null", in: "_\r\n", err: ErrProtocol},
		{name: "RESP3 push", in: ">1\r\n+x\r\n", err: ErrProtocol},
		{name: "HTTP", in: "HTTP/1.1 400 Bad Request\r\n", err: ErrProtocol},
		{name: "line feed alone", in: "+OK\n", err: ErrProtocol},
		{name: "carriage return alone", in: "+O\rK\r\n", err: ErrProtocol},
		{name: "no integer", in: ":1x\r\n", err: ErrProtocol},
		{name: "empty integer", in: ":\r\n", err: ErrProtocol},
		{name: "negative length", in: "$-2\r\n", err: ErrProtocol},
		{name: "signed length", in: "$+2\r\nab\r\n", err: ErrProtocol},
		{name: "length beyond 64 bits", in: "$99999999999999999999\r\n", err: ErrProtocol},
		{name: "huge bulk string", in: "$2147483647\r\n", err: ErrReplyTooLarge},
		{name: "huge array", in: "*9223372036854775807\r\n", err: ErrReplyTooLarge},
		{name: "long bulk string", in: "$1\r\nabc\r\n", err: ErrProtocol},
		{name: "long number", in: ":" + strings.Repeat("0", 100) + "1\r\n", err: ErrProtocol},
		{name: "long line", in: "+" + strings.Repeat("x", maxLine+1) + "\r\n", err: ErrProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, piece := range []int{len(tt.in), 1, 3} {
				s := scanner{max: 1 << 20}
				n, complete, err := feedPieces(&s, []byte(tt.in), piece)
				if !errors.Is(err, tt.err) {
					t.Fatalf("pieces of %d: error %v, want %v", piece, err, tt.err)
				}
				want := tt.size
				if want == 0 {
					want = len(tt.in)
				}
				if tt.err == nil && (complete != (want > 0) || complete && n != want) {
					t.Errorf("pieces of %d: %d bytes, complete %v; want %d", piece, n, complete, want)
				}
			}
		})
	}
}

func feedPieces(s *scanner, p []byte, size int) (total int, complete bool, err error) {
	for total < len(p) {
		n, complete, err := s.feed(p[total:min(total+size, len(p))])
		total += n
		if complete || err != nil {
			return total, complete, err
		}
	}
	return total, false, nil
}

func TestReplyLimit(t *testing.T) {
	for _, in := range []string{"$100\r\n" + strings.Repeat("x", 100) + "\r\n", strings.Repeat("*1\r\n", 50) + ":1\r\n"} {
		s := scanner{max: 99}
		if _, _, err := feedPieces(&s, []byte(in), 7); !errors.Is(err, ErrReplyTooLarge) {
			t.Errorf("%.20q: error %v, want %v", in, err, ErrReplyTooLarge)
		}
	}
}

func TestQueries(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		err      error
	}{
		{name: "command", in: "*2\r\n$3\r\nget\r\n$1\r\nk\r\n", want: []string{"get", "k"}},
		{name: "binary", in: "*3\r\n$3\r\nset\r\n$2\r\n\r\n\r\n$0\r\n\r\n", want: []string{"set", "\r\n", ""}},
		{name: "empty", in: "", err: ErrQuery},
		{name: "inline", in: "PING\r\n", err: ErrQuery},
		{name: "no arguments", in: "*0\r\n", err: ErrQuery},
		{name: "null", in: "*-1\r\n", err: ErrQuery},
		{name: "empty name", in: "*1\r\n$0\r\n\r\n", err: ErrQuery},
		{name: "two commands", in: "*1\r\n$4\r\nping\r\n*1\r\n$4\r\nping\r\n", err: ErrQuery},
		{name: "trailing bytes", in: "*1\r\n$4\r\nping\r\n\r\n", err: ErrQuery},
		{name: "truncated", in: "*2\r\n$3\r\nget\r\n", err: ErrQuery},
		{name: "truncated argument", in: "*1\r\n$4\r\npi", err: ErrQuery},
		{name: "simple string", in: "*1\r\n+ping\r\n", err: ErrQuery},
		{name: "count beyond the bytes", in: "*1000000\r\n$4\r\nping\r\n", err: ErrQuery},
		{name: "huge length", in: "*1\r\n$9999999999\r\nping\r\n", err: ErrQuery},
		{name: "line feeds", in: "*1\n$4\nping\n", err: ErrQuery},
		{name: "subscribe", in: "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n", err: ErrCommand},
		{name: "client reply", in: "*3\r\n$6\r\nclient\r\n$5\r\nREPLY\r\n$3\r\noff\r\n", err: ErrCommand},
		{name: "client id", in: "*2\r\n$6\r\nclient\r\n$2\r\nid\r\n", want: []string{"client", "id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, err := ParseQuery([]byte(tt.in))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			args := q.args
			if len(args) != len(tt.want) || q.size != len(tt.in) {
				t.Fatalf("%q, %d bytes; want %q", args, q.size, tt.want)
			}
			for i := range args {
				if string(args[i]) != tt.want[i] {
					t.Errorf("argument %d is %q, want %q", i, args[i], tt.want[i])
				}
			}
		})
	}
}

func TestRedirections(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want redirection
		ok   bool
	}{
		{"-MOVED 3999 127.0.0.1:6381\r\n", redirection{3999, "127.0.0.1:6381", false}, true},
		{"-ASK 0 db.example:6381\r\n", redirection{0, "db.example:6381", true}, true},
		{"-MOVED 1 ::1:6381\r\n", redirection{1, "[::1]:6381", false}, true},
		{"-MOVED 1 :6381\r\n", redirection{1, "10.0.0.1:6381", false}, true},
		{"-MOVED 16384 127.0.0.1:6381\r\n", redirection{}, false},
		{"-MOVED -1 127.0.0.1:6381\r\n", redirection{}, false},
		{"-MOVED 1 127.0.0.1:0\r\n", redirection{}, false},
		{"-MOVED 1 127.0.0.1:65536\r\n", redirection{}, false},
		{"-MOVED 1 127.0.0.1\r\n", redirection{}, false},
		{"-MOVED 1\r\n", redirection{}, false},
		{"-MOVED 1 a:1 b\r\n", redirection{}, false},
		{"+MOVED 1 a:1\r\n", redirection{}, false},
		{"-ERR MOVED 1 a:1\r\n", redirection{}, false},
	} {
		to, ok := parseRedirection([]byte(tt.in), "10.0.0.1:6379")
		if ok != tt.ok || ok && to != tt.want {
			t.Errorf("%q: %v %v, want %v %v", tt.in, to, ok, tt.want, tt.ok)
		}
	}
}

func TestSlots(t *testing.T) {
	// From the Redis Cluster specification, and CLUSTER KEYSLOT.
	for key, want := range map[string]int{
		"123456789": 12739, "foo": 12182, "{foo}bar": 12182, "x{foo}{bar}": 12182, "": 0, "foo{}{bar}": 8363, "foo{{bar}}zap": 4015,
	} {
		if got := slotOf([]byte(key)); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
}

// FuzzReply: whatever a server sends, in whatever pieces, the scanner takes no more than there is, comes to the same
// result, and keeps nothing.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"+OK\r\n", "-ERR\r\n", ":1\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n:1\r\n*1\r\n$0\r\n\r\n", "*-1\r\n", "$99999999999\r\n"} {
		f.Add([]byte(s), uint8(2))
	}
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		whole, pieces := scanner{max: 1 << 16}, scanner{max: 1 << 16}
		n1, complete1, err1 := feedPieces(&whole, in, max(len(in), 1))
		n2, complete2, err2 := feedPieces(&pieces, in, int(piece)+1)
		if complete1 != complete2 || (err1 == nil) != (err2 == nil) || complete1 && n1 != n2 {
			t.Fatalf("whole: %d %v %v; in pieces: %d %v %v", n1, complete1, err1, n2, complete2, err2)
		}
		if n1 > len(in) || len(whole.open) > maxDepth {
			t.Fatalf("%d bytes of %d, %d deep", n1, len(in), len(whole.open))
		}
		if complete1 && n1 < 3 {
			t.Fatalf("%q is a reply", in[:n1])
		}
		_, _ = parseRedirection(in, "h:1")
	})
}

// FuzzQuery: what is taken as a command is that command, to the byte.
func FuzzQuery(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nget\r\n$1\r\nk\r\n"))
	f.Add([]byte("*1\r\n$0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		args, err := parseQuery(in)
		if err != nil {
			return
		}
		total := 0
		for _, a := range args {
			total += len(a)
		}
		s := scanner{max: 1 << 30}
		if n, complete, err := s.feed(in); n != len(in) || !complete || err != nil {
			t.Fatalf("%q is a query but no RESP: %d %v %v", in, n, complete, err)
		}
		if total+6*len(args) > len(in) || !bytes.Contains(in, args[0]) {
			t.Fatalf("%q: %q", in, args)
		}
		_ = firstKey(args)
	})
}
