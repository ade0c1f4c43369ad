package proxytest

import (
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// headerMap is a header map with its keys in lower case.
type headerMap [][2]string

func lowerKeys(list [][2]string) headerMap {
	m := make(headerMap, len(list))
	for i, h := range list {
		m[i] = [2]string{strings.ToLower(h[0]), h[1]}
	}
	return m
}

// index returns where key is first, -1 if it is not there.
func (m headerMap) index(key string) int {
	key = strings.ToLower(key)
	return slices.IndexFunc(m, func(h [2]string) bool { return h[0] == key })
}

// pairList copies pairs out; none are an empty list.
func pairList(pairs abi.Pairs) [][2]string {
	list := make([][2]string, 0, pairs.Len())
	for k, v := range pairs.All() {
		list = append(list, [2]string{string(k), string(v)})
	}
	return list
}

// headerMap returns the map that a host call names, nil if there is none now.
func (e *emulator) headerMap(m abi.MapType) *headerMap {
	switch m {
	case abi.MapHTTPCallResponseHeaders:
		if r := e.httpCalls.answer; r != nil {
			return &r.headers
		}
	case abi.MapHTTPCallResponseTrailers:
		if r := e.httpCalls.answer; r != nil {
			return &r.trailers
		}
	}
	s := e.streams[e.active]
	if s == nil {
		return nil
	}
	switch m {
	case abi.MapHTTPRequestHeaders:
		return &s.request.headers
	case abi.MapHTTPRequestTrailers:
		return &s.request.trailers
	case abi.MapHTTPResponseHeaders:
		return &s.response.headers
	case abi.MapHTTPResponseTrailers:
		return &s.response.trailers
	}
	return nil
}

// GetHeaderMapPairs implements [abi.Host]. Of an empty map there is the encoding of no pairs, which plugins read as an
// empty list; a gateway gives nothing.
func (e *emulator) GetHeaderMapPairs(dst []byte, m abi.MapType) ([]byte, abi.Status) {
	h := e.headerMap(m)
	if h == nil {
		return dst, abi.StatusBadArgument
	}
	return abi.AppendPairs(dst, *h), abi.StatusOK
}

// SetHeaderMapPairs implements [abi.Host].
func (e *emulator) SetHeaderMapPairs(m abi.MapType, pairs abi.Pairs) abi.Status {
	h := e.headerMap(m)
	if h == nil || pairs.Validate() != nil {
		return abi.StatusBadArgument
	}
	*h = lowerKeys(pairList(pairs))
	return abi.StatusOK
}

// GetHeaderMapSize implements [abi.Host].
func (e *emulator) GetHeaderMapSize(m abi.MapType) (uint32, abi.Status) {
	h := e.headerMap(m)
	if h == nil {
		return 0, abi.StatusBadArgument
	}
	n := 0
	for _, entry := range *h {
		n += len(entry[0]) + len(entry[1])
	}
	return uint32(n), abi.StatusOK
}

// GetHeaderMapValue implements [abi.Host]. A blank value is none.
func (e *emulator) GetHeaderMapValue(dst []byte, m abi.MapType, key []byte) ([]byte, abi.Status) {
	h := e.headerMap(m)
	if h == nil {
		return dst, abi.StatusBadArgument
	}
	i := h.index(string(key))
	if i < 0 {
		return dst, abi.StatusNotFound
	}
	value := strings.TrimSpace((*h)[i][1])
	if value == "" {
		return dst, abi.StatusNotFound
	}
	return append(dst, value...), abi.StatusOK
}

// AddHeaderMapValue implements [abi.Host]. It appends to the value of a key that is there.
func (e *emulator) AddHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	return e.edit(m, key, func(entry *[2]string) { entry[1] += string(value) })
}

// ReplaceHeaderMapValue implements [abi.Host]. It replaces the first value of key.
func (e *emulator) ReplaceHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	return e.edit(m, key, func(entry *[2]string) { entry[1] = string(value) })
}

// edit changes the first entry of key, made if there is none.
func (e *emulator) edit(m abi.MapType, key []byte, change func(entry *[2]string)) abi.Status {
	h := e.headerMap(m)
	if h == nil {
		return abi.StatusBadArgument
	}
	// What a test got from the emulator before stays as it was.
	list := slices.Clone(*h)
	i := list.index(string(key))
	if i < 0 {
		i = len(list)
		list = append(list, [2]string{strings.ToLower(string(key)), ""})
	}
	change(&list[i])
	*h = list
	return abi.StatusOK
}

// RemoveHeaderMapValue implements [abi.Host]. It removes the first entry of key.
func (e *emulator) RemoveHeaderMapValue(m abi.MapType, key []byte) abi.Status {
	h := e.headerMap(m)
	if h == nil {
		return abi.StatusBadArgument
	}
	if i := h.index(string(key)); i >= 0 {
		*h = slices.Delete(slices.Clone(*h), i, i+1)
	}
	return abi.StatusOK
}
