package properties

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// errSize is that a value has not the size of its type.
var errSize = errors.New("value of another size")

// read returns a property, decoded.
func read[T any](decode func([]byte) (T, error), path []string) (value T, err error) {
	b, err := proxywasm.GetProperty(path)
	if err != nil {
		return value, err
	}
	value, err = decode(b)
	if err != nil {
		var none T
		return none, fmt.Errorf("property %s: %w", strings.Join(path, "."), err)
	}
	return value, nil
}

func text(path ...string) (string, error)               { return read(decodeText, path) }
func number(path ...string) (uint64, error)             { return read(decodeNumber, path) }
func boolean(path ...string) (bool, error)              { return read(decodeBool, path) }
func float(path ...string) (float64, error)             { return read(decodeFloat, path) }
func textMap(path ...string) (map[string]string, error) { return read(decodeMap, path) }
func textList(path ...string) ([]string, error)         { return read(decodeList, path) }
func protoTexts(path ...string) ([]string, error)       { return read(decodeProtoTexts, path) }
func timestamp(path ...string) (time.Time, error)       { return read(decodeTime, path) }

func decodeText(b []byte) (string, error) { return string(b), nil }

func decodeNumber(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, errSize
	}
	return binary.LittleEndian.Uint64(b), nil
}

func decodeFloat(b []byte) (float64, error) {
	n, err := decodeNumber(b)
	return math.Float64frombits(n), err
}

// decodeTime decodes nanoseconds of Unix time.
func decodeTime(b []byte) (time.Time, error) {
	n, err := decodeNumber(b)
	return time.Unix(0, int64(n)).UTC(), err
}

// decodeBool decodes one byte; none is false.
func decodeBool(b []byte) (bool, error) {
	if len(b) > 1 {
		return false, errSize
	}
	return len(b) == 1 && b[0] != 0, nil
}

func decodeMap(b []byte) (map[string]string, error) {
	pairs, err := abi.ParsePairs(b)
	if err != nil {
		return nil, err
	}
	m := make(map[string]string, pairs.Len())
	for k, v := range pairs.All() {
		m[string(k)] = string(v)
	}
	return m, nil
}

// decodeList decodes a list. It is pairs whose values are empty.
func decodeList(b []byte) ([]string, error) {
	pairs, err := abi.ParsePairs(b)
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, pairs.Len())
	for k := range pairs.All() {
		list = append(list, string(k))
	}
	return list, nil
}

// decodeProtoTexts decodes the texts of a protobuf message, whatever fields they are of: a key, a length, the bytes.
func decodeProtoTexts(b []byte) ([]string, error) {
	list := []string{}
	for len(b) > 0 {
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errSize
		}
		size, m := binary.Uvarint(b[n:])
		if m <= 0 || size > uint64(len(b)-n-m) {
			return nil, errSize
		}
		b = b[n+m:]
		list = append(list, string(b[:size]))
		b = b[size:]
	}
	return list, nil
}
