package jsontext

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		ok   bool
	}{
		"object":              {` {"a": [1, -2.5e+3, true, false, null, "x\u00e9\n"]} `, true},
		"empty object":        {`{ }`, true},
		"string":              {`"x"`, true},
		"nothing":             {``, false},
		"space":               {"  ", false},
		"two values":          {`{} {}`, false},
		"trailing comma":      {`[1,]`, false},
		"no colon":            {`{"a" 1}`, false},
		"number key":          {`{1:1}`, false},
		"open string":         {`"abc`, false},
		"bad escape":          {`"\x"`, false},
		"short unicode":       {`"\u12"`, false},
		"control in string":   {"\"\n\"", false},
		"leading zero":        {`01`, false},
		"bare point":          {`1.`, false},
		"bare exponent":       {`1e`, false},
		"as deep as allowed":  {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), true},
		"deeper than allowed": {strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(tc.text)
			if (err == nil) != tc.ok {
				t.Fatalf("Check: %v", err)
			}
			if err != nil && !errors.Is(err, ErrSyntax) {
				t.Fatalf("%v is not ErrSyntax", err)
			}
		})
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for name, tc := range map[string]struct {
		check func(string) error
		text  string
		want  string
	}{
		"syntax":              {Check, `{"a":}`, "not valid JSON at byte 5"},
		"too deep":            {Check, strings.Repeat(`{"a":`, maxDepth+2), "JSON nested deeper than 1000 at byte 5005"},
		"not UTF-8":           {CheckText, "\"é\xffx\"", "not valid UTF-8 at byte 3"},
		"half of a letter":    {CheckText, "é\xc3", "not valid UTF-8 at byte 2"},
		"a surrogate, as is":  {CheckText, "\xed\xa0\x80", "not valid UTF-8 at byte 0"},
		"UTF-8":               {CheckText, "é\ufffd", ""},
		"nothing to complain": {CheckText, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.check(tc.text)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || err.Error() != tc.want || !errors.Is(err, ErrSyntax) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	var got []string
	for k, v := range Members(` { "a" : 1 , "b\"" : { "c" : [ 2 ] } , "" : "x" } `) {
		got = append(got, k+"="+v)
	}
	want := []string{`a=1`, `b"={ "c" : [ 2 ] }`, `="x"`}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for k := range Members(`[1]`) {
		t.Fatalf("an array has member %q", k)
	}
	if v := Member(`{"a":1,"a":2}`, "a"); v != "1" {
		t.Fatalf("first member of two: %q", v)
	}
}

func TestElements(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"array":   {` [ "a" , {"b":[1]}, 2 ] `, []string{`"a"`, `{"b":[1]}`, `2`}},
		"empty":   {`[]`, nil},
		"scalar":  {` "a" `, []string{`"a"`}},
		"null":    {`null`, nil},
		"nothing": {``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := slices.Collect(Elements(tc.text)); !slices.Equal(got, tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// FuzzJSON compares with encoding/json, whose view of duplicate keys and invalid UTF-8 differs: those are left out.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":"b","c":["d"]}`, `"\ud83d\ude00\ud83d"`, `[1,2.5e-3,null]`, `{"a":{"a":1}}`, `"\u`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := Check(text)
		if valid := json.Valid([]byte(text)); valid != (err == nil) {
			if deep := strings.Count(text, "[") + strings.Count(text, "{"); deep <= maxDepth {
				t.Fatalf("Check: %v, encoding/json: %v", err, valid)
			}
			return
		}
		// Whatever the bytes, nothing panics.
		for range Members(text) {
		}
		for range Elements(text) {
		}
		got, ok := String(Trim(text))
		if err != nil {
			return
		}
		var want string
		if json.Unmarshal([]byte(text), &want) == nil && Trim(text) != "null" {
			if !ok || strings.ToValidUTF8(got, "\ufffd") != strings.ToValidUTF8(want, "\ufffd") && !strings.Contains(want, "\ufffd") {
				t.Fatalf("String: %q %v, want %q", got, ok, want)
			}
		}
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &object) == nil && Trim(text) != "null" {
			n := 0
			for _, v := range Members(text) {
				n++
				if Check(v) != nil {
					t.Fatalf("member %q", v)
				}
			}
			if n < len(object) {
				t.Fatalf("%d members of %d", n, len(object))
			}
		}
	})
}
