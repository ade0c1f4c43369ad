package conformance

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// play is one case on one gateway.
type play struct {
	c       *Case
	log     *pluginLog
	reached chan struct{} // a token for each request that reached the upstream
}

func (p *play) reach() {
	select {
	case p.reached <- struct{}{}:
	default:
	}
}

// host is a gateway that runs.
type host interface {
	name() string
	log() *pluginLog
	stop() error
}

// stage is what cases play on: their servers, the same for both gateways, and the access log.
type stage struct {
	cases     []*Case
	upstreams map[string]*server
	backends  map[string]*server
	at        map[string]ports
	accessLog string
}

func newStage(cases []*Case, accessLog string) (*stage, error) {
	s := &stage{cases: cases, upstreams: map[string]*server{}, backends: map[string]*server{}, at: map[string]ports{}, accessLog: accessLog}
	for _, c := range cases {
		var at ports
		for _, x := range []struct {
			name  string
			steps []step
			of    map[string]*server
			port  *int
		}{{"upstream", c.upstream, s.upstreams, &at.upstream}, {"backend", c.backend, s.backends, &at.backend}} {
			srv, err := newServer(x.name, x.steps)
			if err != nil {
				s.close()
				return nil, err
			}
			x.of[c.Name], *x.port = srv, srv.port()
		}
		s.at[c.Name] = at
	}
	free, err := freePorts(len(cases))
	if err != nil {
		s.close()
		return nil, err
	}
	for i, c := range cases {
		at := s.at[c.Name]
		at.listener = free[i]
		s.at[c.Name] = at
	}
	return s, nil
}

func (s *stage) close() {
	for _, of := range []map[string]*server{s.upstreams, s.backends} {
		for _, srv := range of {
			srv.close()
		}
	}
}

// atOnce is how many cases play at a time.
const atOnce = 4

// run plays the cases on a gateway. It returns what was seen of each.
func (s *stage) run(h host) map[string]string {
	seen := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for _, c := range s.cases {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			text := s.play(h, c)
			mu.Lock()
			defer mu.Unlock()
			seen[c.Name] = text
		})
	}
	wg.Wait()
	return seen
}

// play plays one case.
func (s *stage) play(h host, c *Case) string {
	p := &play{c: c, log: h.log(), reached: make(chan struct{}, 100)}
	up, back := s.upstreams[c.Name], s.backends[c.Name]
	up.begin(p)
	back.begin(p)
	text := p.client(c, s.at[c.Name].listener)
	requests := 0
	for _, step := range c.client {
		if step.verb == "send" && strings.Contains(step.text, " HTTP/1") {
			requests++
		}
	}
	access := s.accessLines(c.Name, requests)
	s.settle(p, len(access))
	var b strings.Builder
	b.WriteString(text)
	for _, side := range [][]string{up.end(), back.end()} {
		for _, r := range side {
			b.WriteString(r)
		}
	}
	for _, l := range access {
		b.WriteString("access: " + l + "\n")
	}
	lines := h.log().of(c.Name)
	if strings.TrimSpace(c.sections["ends"]) == "any" {
		lines = joinEnds(lines)
	}
	for _, l := range lines {
		b.WriteString("log: " + uuid.ReplaceAllString(l, "<id>") + "\n")
	}
	return b.String()
}

// joinEnds makes one line of a body's last piece and an empty one that ends it.
func joinEnds(lines []string) []string {
	var joined []string
	for _, l := range lines {
		if name, ok := strings.CutSuffix(l, " 0 end"); ok && len(joined) > 0 && strings.HasSuffix(name, "_body") &&
			strings.HasPrefix(joined[len(joined)-1], name+" ") && !strings.HasSuffix(joined[len(joined)-1], " end") {
			joined[len(joined)-1] += " end"
			continue
		}
		joined = append(joined, l)
	}
	return joined
}

// uuid is what gateways make request ids of.
var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// accessLines waits for a case's lines in the access log, as many as it made requests.
func (s *stage) accessLines(name string, want int) []string {
	var lines []string
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		all, err := os.ReadFile(s.accessLog)
		if err != nil {
			continue
		}
		lines = nil
		for line := range strings.Lines(string(all)) {
			if rest, ok := strings.CutPrefix(line, name+" "); ok && strings.HasSuffix(rest, "\n") {
				lines = append(lines, strings.TrimSuffix(rest, "\n"))
			}
		}
		if len(lines) >= want {
			break
		}
	}
	return lines
}

// settle waits until the plugins' log has the end of as many streams as there were. A plugin that died tells of none.
func (s *stage) settle(p *play, streams int) {
	if len(p.c.Scripts) == 0 {
		return
	}
	for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		done := 0
		for _, l := range p.log.of(p.c.Name) {
			if strings.HasSuffix(l, "done 0") {
				done++
			}
		}
		if done >= streams*len(p.c.Scripts) {
			return
		}
	}
}

// compare returns the lines in which what was seen differs: Envoy's with "-", Sluice's with "+".
func compare(envoy, sluice string) []string {
	a, b := strings.Split(strings.TrimSuffix(envoy, "\n"), "\n"), strings.Split(strings.TrimSuffix(sluice, "\n"), "\n")
	// The longest common subsequence; the texts are short.
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	var diff []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && table[i+1][j] >= table[i][j+1]:
			diff = append(diff, "-"+a[i])
			i++
		default:
			diff = append(diff, "+"+b[j])
			j++
		}
	}
	return diff
}

// Result is what came of a case.
type Result struct {
	Case *Case
	// Envoy and Sluice are what was seen, Difference the lines in which they differ.
	Envoy, Sluice string
	Difference    []string
}

// Err returns nil if the gateways agree, or differ as the case says.
func (r *Result) Err() error {
	switch {
	case slices.Equal(r.Difference, r.Case.Difference):
		return nil
	case r.Case.Differs != "":
		return fmt.Errorf("%s: differs otherwise than it says:\n%s\nit says:\n%s", r.Case.Name,
			strings.Join(r.Difference, "\n"), strings.Join(r.Case.Difference, "\n"))
	}
	return fmt.Errorf("%s: Sluice (+) differs from Envoy (-):\n%s", r.Case.Name, strings.Join(r.Difference, "\n"))
}
