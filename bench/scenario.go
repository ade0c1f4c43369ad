package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// scenario is a plugin and what happens to it in a request. The plugin is written for several SDKs; the published one is
// what ratios are of, raw is written without an SDK: the floor.
type scenario struct {
	name   string
	folder string   // of the guests' sources in guests
	guests []string // folders below that
	config string
	fewer  int // how many times fewer requests make a round, because one costs more
	// run makes the callbacks between a stream's creation and its log.
	run func(g *guest, id uint32) error
	// check says what is wrong with the request that was just run.
	check func(h *host) error
}

const plainConfig = `{"value":"v1"}`

var (
	headerScenario = &scenario{
		name: "header", folder: "header", guests: []string{"published", "sluice", "raw"},
		config: plainConfig, run: runHeaders, check: checkHeaders,
	}
	bodyScenario = &scenario{
		name: "body", folder: "body", guests: []string{"published", "sluice", "raw"},
		config: plainConfig, run: runBody, check: checkBody,
	}
	scenarios = []*scenario{
		headerScenario,
		bodyScenario,
		{
			name: "100 rules", folder: "header", guests: []string{"published", "sluice"},
			config: hundredRules(), run: runHeaders, check: checkHeaders,
		},
		{
			name: "call-out", folder: "call", guests: []string{"published", "sluice"},
			config: plainConfig, fewer: 2, run: runCall, check: checkCall,
		},
		{
			name: "64 chunks", folder: "chunks", guests: []string{"published", "sluice"},
			config: plainConfig, fewer: 10, run: runChunks, check: checkChunks,
		},
	}
)

// hundredRules has half of its rules go by route, half by domain, and the last one hold.
func hundredRules() string {
	var b strings.Builder
	b.WriteString(`{"value":"global","_rules_":[`)
	for i := range 99 {
		if i%2 == 0 {
			fmt.Fprintf(&b, `{"_match_route_":["route-%02d"],"value":"r%02d"},`, i, i)
		} else {
			fmt.Fprintf(&b, `{"_match_domain_":["host-%02d.example.com","*.zone-%02d.example.com"],"value":"r%02d"},`, i, i, i)
		}
	}
	b.WriteString(`{"_match_domain_":["api.example.com"],"value":"v1"}]}`)
	return b.String()
}

func runHeaders(g *guest, id uint32) error {
	if _, err := g.vm.OnRequestHeaders(id, 14, true); err != nil {
		return err
	}
	_, err := g.vm.OnResponseHeaders(id, 7, true)
	return err
}

func checkHeaders(h *host) error {
	want := requestFields.Value(":path") + " " + requestFields.Value("user-agent")
	if got := h.maps[abi.MapHTTPRequestHeaders].Value("x-gw-path"); got != want {
		return fmt.Errorf("x-gw-path is %q", got)
	}
	if got := h.maps[abi.MapHTTPResponseHeaders].Value("x-gw-resp"); got != "v1" {
		return fmt.Errorf("x-gw-resp is %q", got)
	}
	return nil
}

// body is 2 KiB of JSON as a chat client sends it.
var body = func() []byte {
	const head = `{"model":"small","temperature":0.2,"messages":[`
	const tail = `{"role":"user","content":"And in one sentence?"}]}`
	b := []byte(head)
	for i := 0; len(b) < 2048-len(tail)-120; i++ {
		role := [2]string{"user", "assistant"}[i%2]
		b = fmt.Appendf(b, `{"role":%q,"content":"%03d: the quick brown fox jumps over the lazy dog"},`, role, i)
	}
	return append(b, tail...)
}()

func runBody(g *guest, id uint32) error {
	g.host.body = append(g.host.body[:0], body...)
	return runWithBody(g, id)
}

func runWithBody(g *guest, id uint32) error {
	if _, err := g.vm.OnRequestHeaders(id, 14, false); err != nil {
		return err
	}
	if _, err := g.vm.OnRequestBody(id, uint32(len(g.host.body)), true); err != nil {
		return err
	}
	_, err := g.vm.OnResponseHeaders(id, 7, true)
	return err
}

func checkBody(h *host) error {
	if want := `"model":"small-v1"`; !strings.Contains(string(h.body), want) {
		return fmt.Errorf("body without %s: %s", want, h.body)
	}
	return nil
}

var errNoCall = errors.New("the plugin has made no call, or has not held the request")

// runCall answers the plugin's call before the request goes on.
func runCall(g *guest, id uint32) error {
	g.host.call, g.host.resumed = 0, false
	action, err := g.vm.OnRequestHeaders(id, 14, true)
	if err != nil {
		return err
	}
	if g.host.call == 0 || action == abi.ActionContinue {
		return errNoCall
	}
	g.host.body = append(g.host.body[:0], "granted"...)
	if err := g.vm.OnHTTPCallResponse(1, g.host.call, uint32(callFields.Len()), uint32(len(g.host.body)), 0); err != nil {
		return err
	}
	_, err = g.vm.OnResponseHeaders(id, 7, true)
	return err
}

func checkCall(h *host) error {
	if !h.resumed {
		return errors.New("the request was not resumed")
	}
	if got := h.maps[abi.MapHTTPRequestHeaders].Value("x-auth"); got != "someone granted" {
		return fmt.Errorf("x-auth is %q", got)
	}
	return nil
}

const (
	chunks    = 64
	chunkText = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" a few words of the answer\"},\"finish_reason\":null}]," +
		"\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"small\"}\n\n"
)

func runChunks(g *guest, id uint32) error {
	if _, err := g.vm.OnRequestHeaders(id, 14, true); err != nil {
		return err
	}
	if _, err := g.vm.OnResponseHeaders(id, 7, false); err != nil {
		return err
	}
	g.host.sent = 0
	for i := range chunks {
		g.host.body = append(g.host.body[:0], chunkText...)
		if _, err := g.vm.OnResponseBody(id, uint32(len(g.host.body)), i == chunks-1); err != nil {
			return err
		}
		g.host.sent += len(g.host.body)
	}
	return nil
}

func checkChunks(h *host) error {
	if want := "D" + chunkText[1:] + "v1"; string(h.body) != want {
		return fmt.Errorf("the last chunk is %q", h.body)
	}
	if want := chunks*len(chunkText) + len("v1"); h.sent != want {
		return fmt.Errorf("%d bytes were sent, want %d", h.sent, want)
	}
	return nil
}
