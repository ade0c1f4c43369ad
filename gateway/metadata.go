package gateway

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Metadata is what operators attach to parts of the configuration for plugins to read: Envoy's filter_metadata, by
// namespace. Values are as encoding/json has them: nil, bool, float64, string, []any, map[string]any.
type Metadata map[string]map[string]any

// TrafficDirection is Envoy's, with its numbers.
type TrafficDirection int64

// The traffic directions.
const (
	DirectionUnspecified TrafficDirection = iota
	DirectionInbound
	DirectionOutbound
)

// appendProperty appends what plugins read at a path within the metadata; the metadata itself is its protobuf message.
func (m Metadata) appendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok {
		return m.appendMessage(dst)
	}
	if string(name) != "filter_metadata" {
		return dst, false
	}
	spaces := make(map[string]any, len(m))
	for name, values := range m {
		spaces[name] = values
	}
	return appendAny(dst, spaces, rest)
}

// appendMessage appends m as envoy.config.core.v3.Metadata, in the order of the names.
func (m Metadata) appendMessage(dst []byte) ([]byte, bool) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		values, ok := structMessage(m[name])
		if !ok {
			return dst, false
		}
		entry := protowire.AppendTag(nil, 1, protowire.BytesType)
		entry = protowire.AppendString(entry, name)
		entry = protowire.AppendTag(entry, 2, protowire.BytesType)
		entry = protowire.AppendBytes(entry, values)
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendBytes(dst, entry)
	}
	return dst, true
}

// structMessage is values as google.protobuf.Struct.
func structMessage(values map[string]any) ([]byte, bool) {
	s, err := structpb.NewStruct(values)
	if err != nil {
		return nil, false
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
	return b, err == nil
}

// appendProperty appends what plugins read at a path within the node; the node itself is its protobuf message,
// envoy.config.core.v3.Node.
func (n *Node) appendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok {
		return n.appendMessage(dst)
	}
	switch string(name) {
	case "metadata":
		return appendAny(dst, n.Metadata, rest)
	case "id":
		return append(dst, n.ID...), len(rest) == 0
	case "cluster":
		return append(dst, n.Cluster...), len(rest) == 0
	}
	return dst, false
}

func (n *Node) appendMessage(dst []byte) ([]byte, bool) {
	for i, text := range []string{n.ID, n.Cluster} {
		if text != "" {
			dst = protowire.AppendTag(dst, protowire.Number(i+1), protowire.BytesType)
			dst = protowire.AppendString(dst, text)
		}
	}
	if n.Metadata == nil {
		return dst, true
	}
	values, ok := structMessage(n.Metadata)
	if !ok {
		return dst, false
	}
	dst = protowire.AppendTag(dst, 3, protowire.BytesType)
	return protowire.AppendBytes(dst, values), true
}

// appendAny appends what is at a path within v: members by name, items by number.
func appendAny(dst []byte, v any, path abi.Path) ([]byte, bool) {
	for {
		name, rest, ok := path.Next()
		if !ok {
			return appendEncoded(dst, v)
		}
		path = rest
		switch x := v.(type) {
		case map[string]any:
			if v, ok = x[string(name)]; !ok {
				return dst, false
			}
		case []any:
			i, err := strconv.ParseUint(string(name), 10, 31)
			if err != nil || i >= uint64(len(x)) {
				return dst, false
			}
			v = x[i]
		default:
			return dst, false
		}
	}
}

// appendEncoded appends a value in the ABI's encoding. Null has none.
func appendEncoded(dst []byte, v any) ([]byte, bool) {
	switch x := v.(type) {
	case string:
		return append(dst, x...), true
	case bool:
		if x {
			return append(dst, 1), true
		}
		return append(dst, 0), true
	case float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x)), true
	case map[string]any:
		pairs := make([][2]string, 0, len(x))
		for _, name := range slices.Sorted(maps.Keys(x)) {
			value, ok := appendEncoded(nil, x[name])
			if !ok {
				return dst, false
			}
			pairs = append(pairs, [2]string{name, string(value)})
		}
		return abi.AppendPairs(dst, pairs), true
	case []any:
		pairs := make([][2]string, 0, len(x))
		for _, item := range x {
			value, ok := appendEncoded(nil, item)
			if !ok {
				return dst, false
			}
			pairs = append(pairs, [2]string{string(value)})
		}
		return abi.AppendPairs(dst, pairs), true
	}
	return dst, false
}
