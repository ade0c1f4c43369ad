package gateway

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

var update = flag.Bool("update", false, "write the expected parts of testdata anew")

// TestFilterChain plays the scripts of testdata/filterchain: a script's "filters" say how each filter answers, its
// "events" what comes from client, upstream and plugins, and its "trace" what filters, upstream and client then see.
//
//	filters: NAME CALLBACK=answer[,answer...] ...
//	  CALLBACK  DH DD DT (request headers, data, trailers), EH ED ET (response); the last answer repeats
//	  answer    continue stop buffer watermark nobuffer stopall-buffer stopall-watermark,
//	            preceded by any of reply(CODE;BODY) replace(TEXT) append(TEXT) trailers(NAME) limit(N) resume release
//	events: request headers|data TEXT|trailers, response headers|data TEXT|trailers, each with "end" to end the message;
//	  resume NAME request|response; reply NAME CODE BODY; inject NAME TEXT [end]; reset
func TestFilterChain(t *testing.T) {
	files, err := filepath.Glob("testdata/filterchain/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			script, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range script.Files {
				parts[f.Name] = string(f.Data)
			}
			got := playFilterChain(t, parts["filters"], parts["events"])
			if *update {
				for i := range script.Files {
					if script.Files[i].Name == "trace" {
						script.Files[i].Data = []byte(got)
					}
				}
				if err := os.WriteFile(file, txtar.Format(script), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := parts["trace"]; got != want {
				t.Errorf("trace:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// scriptEnd is a terminus that writes down what reaches it.
type scriptEnd struct{ trace *strings.Builder }

func (e scriptEnd) log(format string, args ...any) { fmt.Fprintf(e.trace, format+"\n", args...) }

func (e scriptEnd) requestHeaders(_ *message.Headers, end bool) {
	e.log("upstream headers%s", endWord(end))
}
func (e scriptEnd) requestTrailers(h *message.Headers)       { e.log("upstream trailers %s", names(h)) }
func (e scriptEnd) responseTrailers(h *message.Headers)      { e.log("client trailers %s", names(h)) }
func (e scriptEnd) reset(details string)                     { e.log("client reset %s", details) }
func (e scriptEnd) finished()                                { e.log("finished") }
func (e scriptEnd) posted()                                  {}
func (e scriptEnd) clearRouteCache()                         {}
func (e scriptEnd) upstreamHosts() []pluginhost.UpstreamHost { return nil }
func (e scriptEnd) ended()                                   {}
func (e scriptEnd) setOverrideHost(string)                   {}
func (e scriptEnd) setFilterState(string, []byte)            {}
func (e scriptEnd) appendProperty(dst []byte, _ abi.Path) ([]byte, bool) {
	return dst, false
}

func (e scriptEnd) requestData(d *message.Buffer, end bool) {
	b := d.Take()
	e.log("upstream data %q%s", b.Bytes(), endWord(end))
}

func (e scriptEnd) responseHeaders(h *message.Headers, end bool) {
	e.log("client headers %s%s", h.Value(":status"), endWord(end))
}

func (e scriptEnd) responseData(d *message.Buffer, end bool) {
	b := d.Take()
	e.log("client data %q%s", b.Bytes(), endWord(end))
}

func (e scriptEnd) localReply(r *pluginhost.LocalReply) localReplyContext {
	e.log("local reply %d %s", r.Code, r.Details)
	return localReplyContext{}
}

func endWord(end bool) string {
	if end {
		return " end"
	}
	return ""
}

func names(h *message.Headers) string {
	var n []string
	for k := range h.All() {
		n = append(n, k)
	}
	return strings.Join(n, " ")
}

// scriptFilter is a filter that answers as its script says.
type scriptFilter struct {
	name    string
	cb      *filterCallbacks
	end     scriptEnd
	answers map[string][]string
	// buffering: data is read from the stream's buffer, as a wasm filter does after StopIterationAndBuffer.
	decodeBuffering, encodeBuffering bool
}

var actionWords = map[string]abi.Action{
	"continue": 0, "stop": 1, "buffer": 1, "watermark": 2, "nobuffer": 3, "stopall-buffer": 3, "stopall-watermark": 4,
}

func (f *scriptFilter) answer(call string, d *message.Buffer) abi.Action {
	a := f.answers[call]
	if len(a) == 0 {
		return abi.ActionContinue
	}
	words := strings.Fields(strings.ReplaceAll(a[0], "+", " "))
	if len(a) > 1 {
		f.answers[call] = a[1:]
	}
	action := abi.ActionContinue
	for _, w := range words {
		if n, ok := actionWords[w]; ok {
			action = n
			continue
		}
		verb, arg, _ := strings.Cut(strings.TrimSuffix(w, ")"), "(")
		switch verb {
		case "reply":
			code, body, _ := strings.Cut(arg, ";")
			n, _ := strconv.ParseUint(code, 10, 32)
			f.cb.SendLocalReply(pluginhost.LocalReply{Code: uint32(n), Body: []byte(body), Details: f.name, GRPCStatus: -1})
		case "replace":
			d.ReplaceFront(d.Len(), []byte(arg))
		case "append":
			d.Append([]byte(arg))
		case "limit":
			n, _ := strconv.ParseUint(arg, 10, 32)
			f.cb.Lock()
			f.cb.SetBufferLimit(uint32(n))
			f.cb.Unlock()
		case "resume":
			if call[0] == 'E' {
				f.cb.ContinueEncoding()
			} else {
				f.cb.ContinueDecoding()
			}
		case "release":
			if call[0] == 'E' {
				f.cb.ReleaseEncoding()
			} else {
				f.cb.ReleaseDecoding()
			}
		case "trailers":
			f.cb.Lock()
			h := f.cb.AddRequestTrailers()
			if call == "ED" {
				h = f.cb.AddResponseTrailers()
			}
			f.cb.Unlock()
			if h == nil {
				f.end.log("%s: no trailers now", f.name)
			} else {
				h.Append(arg, "1")
			}
		default:
			panic("unknown answer " + w)
		}
	}
	return action
}

func (f *scriptFilter) DecodeHeaders(_ *message.Headers, end bool) abi.Action {
	f.end.log("%s.DH%s", f.name, endWord(end))
	return f.answer("DH", nil)
}

func (f *scriptFilter) DecodeData(d *message.Buffer, end bool) abi.Action {
	if f.decodeBuffering {
		if !f.cb.AddDecodedData(d, false) {
			return abi.DataStopIterationNoBuffer
		}
		d = f.cb.DecodingBuffer()
	}
	f.end.log("%s.DD %q%s", f.name, d.Bytes(), endWord(end))
	a := f.answer("DD", d)
	f.decodeBuffering = a == abi.DataStopIterationAndBuffer
	return a
}

func (f *scriptFilter) DecodeTrailers(h *message.Headers) abi.Action {
	f.end.log("%s.DT %s", f.name, names(h))
	return f.answer("DT", nil)
}

func (f *scriptFilter) EncodeHeaders(h *message.Headers, end bool) abi.Action {
	f.end.log("%s.EH %s%s", f.name, h.Value(":status"), endWord(end))
	return f.answer("EH", nil)
}

func (f *scriptFilter) EncodeData(d *message.Buffer, end bool) abi.Action {
	if f.encodeBuffering {
		if !f.cb.AddEncodedData(d, false) {
			return abi.DataStopIterationNoBuffer
		}
		d = f.cb.EncodingBuffer()
	}
	f.end.log("%s.ED %q%s", f.name, d.Bytes(), endWord(end))
	a := f.answer("ED", d)
	f.encodeBuffering = a == abi.DataStopIterationAndBuffer
	return a
}

func (f *scriptFilter) EncodeTrailers(h *message.Headers) abi.Action {
	f.end.log("%s.ET %s", f.name, names(h))
	return f.answer("ET", nil)
}

func (f *scriptFilter) OnLog()     { f.end.log("%s.log", f.name) }
func (f *scriptFilter) OnDestroy() {}

func playFilterChain(t *testing.T, filters, events string) string {
	t.Helper()
	var trace strings.Builder
	end := scriptEnd{&trace}
	lines := strings.Split(strings.TrimSpace(filters), "\n")
	var c filterChain
	c.init(end, len(lines), 0)
	byName := map[string]*filterCallbacks{}
	for i, line := range lines {
		words := strings.Fields(line)
		f := &scriptFilter{name: words[0], cb: &c.filters[i].callbacks, end: end, answers: map[string][]string{}}
		for _, w := range words[1:] {
			call, answers, _ := strings.Cut(w, "=")
			f.answers[call] = strings.Split(answers, ",")
		}
		c.filters[i].filter = f
		byName[f.name] = f.cb
	}
	for _, line := range strings.Split(strings.TrimSpace(events), "\n") {
		words := strings.Fields(line)
		fmt.Fprintf(&trace, "> %s\n", line)
		last := words[len(words)-1] == "end"
		text := func(i int) *message.Buffer {
			d := message.Buffer{}
			if i < len(words) && words[i] != "end" {
				d.Append([]byte(words[i]))
			}
			return &d
		}
		c.acquire()
		switch what := words[0] + " " + words[min(1, len(words)-1)]; {
		case what == "request headers":
			c.decode.start(message.NewHeaders(":method", "POST", ":path", "/"), last)
		case what == "request data":
			c.decode.data(text(2), last)
		case what == "request trailers":
			c.decode.finish(message.NewHeaders("t", "1"))
		case what == "response headers":
			c.encode.start(message.NewHeaders(":status", "200"), last)
		case what == "response data":
			c.encode.data(text(2), last)
		case what == "response trailers":
			c.encode.finish(message.NewHeaders("t", "1"))
		case words[0] == "resume" && words[2] == "request":
			byName[words[1]].ContinueDecoding()
		case words[0] == "resume":
			byName[words[1]].ContinueEncoding()
		case words[0] == "reply":
			n, _ := strconv.ParseUint(words[2], 10, 32)
			byName[words[1]].SendLocalReply(pluginhost.LocalReply{Code: uint32(n), Body: text(3).Bytes(), GRPCStatus: -1, Details: words[1]})
		case words[0] == "inject":
			byName[words[1]].InjectEncodedData(text(2), last)
		case words[0] == "reset":
			c.resetStream("gone")
		default:
			t.Fatalf("unknown event %q", line)
		}
		c.release()
	}
	return trace.String()
}
