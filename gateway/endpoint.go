package gateway

// endpoint is a host of a cluster at one address. It is not changed once made.
type endpoint struct {
	addr   string // ip:port
	name   string
	weight uint32
	// metadata is what plugins read as upstream_host_metadata.
	metadata Metadata
}

// address is ip:port, what connections are made to and what %UPSTREAM_HOST% shows.
func (e *endpoint) address() string { return e.addr }

// hostname is the name for auto_host_rewrite, "" where there is none.
func (e *endpoint) hostname() string { return e.name }

// endpointSet is the hosts of a cluster at one time, and the order in which they take turns.
type endpointSet struct {
	all []*endpoint
	// turns has each host as often as its weight says, spread evenly.
	turns []*endpoint
}

// maxTurns bounds the length of a round. Weights that need more are rounded.
const maxTurns = 4096

// newEndpointSet works out the turns of all, which may be empty. A weight of 0 counts as 1, as a weight that is not set.
func newEndpointSet(all []*endpoint) *endpointSet {
	s := &endpointSet{all: all}
	weights := make([]uint64, len(all))
	var divisor, total uint64
	for i, e := range all {
		weights[i] = uint64(max(e.weight, 1))
		divisor = gcd(divisor, weights[i])
	}
	for i := range weights {
		weights[i] /= divisor
		total += weights[i]
	}
	if total > maxTurns {
		scale := total
		total = 0
		for i := range weights {
			weights[i] = max(weights[i]*maxTurns/scale, 1)
			total += weights[i]
		}
	}
	if total == uint64(len(all)) {
		s.turns = all
		return s
	}
	// Smooth weighted round robin: each turn every host gains its weight, the richest goes and pays the total.
	s.turns = make([]*endpoint, 0, total)
	credit := make([]int64, len(all))
	for range total {
		best := 0
		for i := range credit {
			credit[i] += int64(weights[i])
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= int64(total)
		s.turns = append(s.turns, all[best])
	}
	return s
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
