package hostcall

import "github.com/sluice-gateway/sluice/sdk/abi"

// A header map is read whole when it is read more than once in a callback: one call that copies all of it costs less
// than two that copy a value each. What was read is true until the callback ends or the plugin changes the map.
type headerMap struct {
	pairs abi.Pairs
	epoch uint32 // of pairs and reads
	reads int
	whole bool // pairs is the map
	many  bool // the callback before, that read this map at all, read it more than once
}

var headerMaps [abi.MapHTTPCallResponseTrailers + 1]headerMap

// lookUp readies h for one more read and says whether the whole map is there.
func (h *headerMap) lookUp(m abi.MapType) bool {
	if h.epoch != Epoch {
		if h.reads > 0 {
			h.many = h.reads > 1
		}
		h.epoch, h.reads, h.whole, h.pairs = Epoch, 0, false, nil
	}
	h.reads++
	if !h.whole && (h.many || h.reads > 1) {
		h.fetch(m)
	}
	return h.whole
}

// fetch reads the whole map. An empty answer proves nothing: a host gives it too where a map is not to be had, or has
// outgrown what it will encode.
func (h *headerMap) fetch(m abi.MapType) {
	pairs, st := GetHeaderMapPairs(m)
	h.whole = st == abi.StatusOK && len(pairs) > 0
	h.pairs = pairs
}

// Header returns the first value of key, owned.
func Header(m abi.MapType, key string) (string, abi.Status) {
	if m < abi.MapType(len(headerMaps)) {
		h := &headerMaps[m]
		whole := h.whole && h.epoch == Epoch
		if whole {
			h.reads++
		} else {
			whole = h.lookUp(m)
		}
		if whole {
			v, ok := h.pairs.Find(key)
			if !ok {
				if low := lower(key); low != key {
					v, ok = h.pairs.Find(low)
				}
			}
			if !ok {
				return "", abi.StatusNotFound
			}
			if !padded(v) {
				return OwnString(v), abi.StatusOK
			}
			// What a blank or padded value reads as is the host's to say: the first read of it, and all that follow.
		}
	}
	v, st := GetHeaderMapValue(m, key)
	if st != abi.StatusOK {
		return "", st
	}
	return String(v), st
}

// Headers returns the whole map, or nothing if it is empty or not to be had now. It borrows, and the result is stale
// once the plugin changes the map.
func Headers(m abi.MapType) abi.Pairs {
	h := &headerMaps[m]
	if h.epoch != Epoch {
		h.epoch, h.reads, h.whole, h.pairs = Epoch, 0, false, nil
	}
	if !h.whole {
		h.fetch(m)
	}
	return h.pairs
}

// HeadersChanged forgets what is known of the map.
func HeadersChanged(m abi.MapType) {
	if m < abi.MapType(len(headerMaps)) {
		headerMaps[m].whole = false
	}
}

// padded says that v is empty, or begins or ends with white space.
func padded(v []byte) bool { return len(v) == 0 || v[0] <= ' ' || v[len(v)-1] <= ' ' }

// lower returns s in lower case, s itself if it is.
func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if c := b[j]; 'A' <= c && c <= 'Z' {
					b[j] = c + 'a' - 'A'
				}
			}
			return String(b)
		}
	}
	return s
}
