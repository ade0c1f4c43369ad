//go:build !wasip1

package wrapper

import (
	"slices"
	"strings"
	"testing"
)

func TestReplies(t *testing.T) {
	for name, tc := range map[string]struct {
		reply   string
		kind    RedisType
		text    string
		integer int
		float   float64
		null    bool
		array   int
	}{
		"simple string":  {"+OK\r\n", '+', "OK", 0, 0, false, 0},
		"empty string":   {"+\r\n", '+', "", 0, 0, false, 0},
		"integer":        {":-42\r\n", ':', "-42", -42, -42, false, 0},
		"largest":        {":9223372036854775807\r\n", ':', "9223372036854775807", 9223372036854775807, 9223372036854775807, false, 0},
		"bulk":           {"$4\r\na\r\nb\r\n", '$', "a\r\nb", 0, 0, false, 0},
		"empty bulk":     {"$0\r\n\r\n", '$', "", 0, 0, false, 0},
		"number in bulk": {"$3\r\n1.5\r\n", '$', "1.5", 0, 1.5, false, 0},
		"digits":         {"$2\r\n12\r\n", '$', "12", 12, 12, false, 0},
		"null":           {"$-1\r\n", '$', "", 0, 0, true, 0},
		"null array":     {"*-1\r\n", '*', "[]", 0, 0, true, 0},
		"empty array":    {"*0\r\n", '*', "[]", 0, 0, false, 0},
		"array":          {"*3\r\n$1\r\na\r\n$-1\r\n*1\r\n:1\r\n", '*', "[a  [1]]", 0, 0, false, 3},
		"error":          {"-ERR x\r\n", '-', "ERR x", 0, 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v, ok := parseReply([]byte(tc.reply))
			if !ok {
				t.Fatal("refused")
			}
			if v.Type() != tc.kind || v.String() != tc.text || v.Integer() != tc.integer || v.Float() != tc.float ||
				v.Bool() != (tc.integer != 0) || v.IsNull() != tc.null || len(v.Array()) != tc.array {
				t.Errorf("got %v %q %d %v null %v, %d elements", v.Type(), v.String(), v.Integer(), v.Float(), v.IsNull(), len(v.Array()))
			}
			if b := v.Bytes(); (b == nil) != tc.null || b != nil && string(b) != tc.text {
				t.Errorf("bytes %q", b)
			}
			if got := string(v.AppendRESP([]byte("x"))); got != "x"+tc.reply {
				t.Errorf("written %q", got)
			}
		})
	}
}

func TestRepliesRefused(t *testing.T) {
	deep := strings.Repeat("*1\r\n", maxReplyDepth+1) + ":1\r\n"
	for _, reply := range []string{
		"", "\r\n", "+", "+OK", "+OK\n", "+O\rK\r\n", "OK\r\n", ":\r\n", ":1.5\r\n", ":x\r\n", ":9223372036854775808\r\n",
		"$\r\n", "$2\r\nab", "$2\r\nabc\r\n", "$2\r\nab\r\r", "$-2\r\n", "$9223372036854775807\r\nab\r\n", "$1\r\n\r\n",
		"*1\r\n", "*2\r\n:1\r\n", "*-2\r\n", "*1000000000\r\n", "*9223372036854775807\r\n:1\r\n", "*1\r\nx\r\n", "+a\r\n+b\r\n", deep,
	} {
		if v, ok := parseReply([]byte(reply)); ok {
			t.Errorf("%q is taken for %v %q", reply, v.Type(), v.String())
		}
	}
	if _, ok := parseReply([]byte(deep[len("*1\r\n"):])); !ok {
		t.Errorf("%d arrays in arrays are refused", maxReplyDepth)
	}
}

func TestZeroRedisValue(t *testing.T) {
	var v RedisValue
	if v.Error() != nil || v.String() != "" || v.Integer() != 0 || v.Array() != nil || string(v.AppendRESP(nil)) != "$-1\r\n" || v.Type().String() != "Unknown" {
		t.Error("the zero value is something")
	}
	names := []string{}
	for _, k := range "+-:$*" {
		names = append(names, RedisType(k).String())
	}
	if !slices.Equal(names, []string{"SimpleString", "Error", "Integer", "BulkString", "Array"}) {
		t.Errorf("names %q", names)
	}
}

// FuzzReply: no reply makes the parser panic or allocate out of proportion, and what it takes it can write again.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"+OK\r\n", "-ERR x\r\n", ":1\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n:1\r\n*-1\r\n", "*99999\r\n:1\r\n", ":+1\r\n", "$00\r\n\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok := parseReply(b)
		if !ok {
			return
		}
		_, _, _, _, _ = v.String(), v.Bytes(), v.Integer(), v.Float(), v.Array()
		again, ok := parseReply(v.AppendRESP(nil))
		if !ok || again.String() != v.String() || again.Type() != v.Type() || again.IsNull() != v.IsNull() {
			t.Fatalf("%q is written %q", b, v.AppendRESP(nil))
		}
	})
}
