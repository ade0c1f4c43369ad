package jsontext

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"
)

type inner struct {
	X int    `json:"x,omitempty"`
	Y string `json:"y"`
}

type outer struct {
	inner
	*Other
	Name    string         `json:"name"`
	Skipped string         `json:"-"`
	Empty   []int          `json:"empty,omitempty"`
	Zero    time.Time      `json:"zero,omitzero"`
	Map     map[string]any `json:"map"`
	Pointer *inner
	hidden  int
}

// Other is embedded by pointer.
type Other struct{ Z float32 }

type text string

// MarshalText makes it a string of its own.
func (t text) MarshalText() ([]byte, error) { return []byte("<" + string(t) + ">"), nil }

// TestAppendValueIsEncodingJSON: what both can encode is the same.
func TestAppendValueIsEncodingJSON(t *testing.T) {
	seven := 7
	for name, v := range map[string]any{
		"nil": nil, "true": true, "int": -3, "int8": int8(math.MinInt8), "uint64": uint64(math.MaxUint64), "float": 1.5,
		"float32": float32(0.1), "large": 1e21, "small": 1e-7, "very small": 1.5e-100, "less than large": 1e20, "zero": 0.0,
		"minus zero": math.Copysign(0, -1), "float32 small": float32(1e-7), "float32 edge": float32(1e-6),
		"string": "a\"\\\n\x00<é\u2028\xff", "strings": []string{"a", ""}, "no list": []int(nil), "empty list": []int{},
		"array": [2]bool{true, false}, "bytes": []byte{0, 1, 2, 3}, "one byte": []byte{255}, "no bytes": []byte(nil),
		"map": map[string]any{"b": 1, "a": nil, "c": []any{map[string]int{"x": 1}}}, "no map": map[string]int(nil),
		"struct":  outer{inner: inner{X: 1, Y: "y"}, Other: &Other{2.5}, Name: "n", Skipped: "s", Pointer: &inner{Y: "z"}, hidden: 1},
		"structs": []inner{{1, "a"}, {}}, "pointer": &seven, "no pointer": (*int)(nil), "number": json.Number("1e3"),
		"no number": json.Number(""), "raw": json.RawMessage(`{"a":[1]}`), "time": time.Unix(0, 0).UTC(), "text": text("t"),
		"duration": time.Second, "error": errors.New("x"), "interface": []any{error(nil), &outer{Name: "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := AppendValue([]byte("x"), v)
			if err != nil || string(got) != "x"+string(want) {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
}

func TestAppendValueRefuses(t *testing.T) {
	type loop struct{ Next *loop }
	endless := &loop{}
	endless.Next = endless
	list := make([]any, 1)
	list[0] = list
	for name, v := range map[string]any{
		"NaN": math.NaN(), "infinity": []float64{math.Inf(-1)}, "function": func() {}, "channel": make(chan int),
		"complex": 1i, "map of numbers": map[int]int{1: 1}, "endless": endless, "endless list": list,
		"bad number": json.Number("x"), "number that is a word": json.Number("true"), "bad raw": json.RawMessage("{"),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := AppendValue(nil, v); err == nil {
				t.Errorf("got %.80s", got)
			} else if !errors.Is(err, ErrValue) && !errors.Is(err, ErrSyntax) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// FuzzAppendValue holds that any JSON value comes out as encoding/json writes it.
func FuzzAppendValue(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-9,"x<",null,true],"b":{}}`, `1e400`, `"\ud800"`, `-0`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<12 {
			t.Skip("long")
		}
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := AppendValue(nil, v); err != nil || string(got) != string(want) {
			t.Fatalf("got %s, %v, want %s", got, err, want)
		}
	})
}
