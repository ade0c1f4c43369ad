package matcher

import (
	"math"
	"strings"
)

// none is the position of no rule: behind them all.
const none = math.MaxInt

// tree finds the first of many rules by the beginning of a text. It is a radix tree: a search takes a step for each
// place where the beginnings that are known part, however many there are.
type tree struct {
	pos    int    // of the first rule whose text ends here
	labels string // the first byte of each edge
	edges  []edge
}

type edge struct {
	text string
	to   *tree
}

func (t *tree) add(text string, pos int) {
	for text != "" {
		i := strings.IndexByte(t.labels, text[0])
		if i < 0 {
			t.labels += text[:1]
			t.edges = append(t.edges, edge{text, &tree{pos: pos}})
			return
		}
		e := &t.edges[i]
		n := common(e.text, text)
		if n < len(e.text) {
			e.to = &tree{pos: none, labels: e.text[n : n+1], edges: []edge{{e.text[n:], e.to}}}
			e.text = e.text[:n]
		}
		t, text = e.to, text[n:]
	}
	t.pos = min(t.pos, pos)
}

// common returns how many bytes a and b begin with in common.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// first returns the lower of best and the position of the first rule whose text begins this one.
func (t *tree) first(text string, best int) int {
	for {
		best = min(best, t.pos)
		if text == "" {
			return best
		}
		i := strings.IndexByte(t.labels, text[0])
		if i < 0 {
			return best
		}
		e := &t.edges[i]
		n := len(e.text)
		if n > 1 && !strings.HasPrefix(text, e.text) { // of one byte it is the label
			return best
		}
		t, text = e.to, text[n:]
	}
}

// used says whether there is anything to find.
func (t *tree) used() bool { return t.pos != none || len(t.edges) > 0 }
