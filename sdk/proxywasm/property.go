package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// pathBuffer is where property paths are encoded: a host call keeps nothing, so one is enough.
var pathBuffer []byte

func encodePath(path []string) abi.Path {
	pathBuffer = abi.AppendPath(pathBuffer[:0], path...)
	return pathBuffer
}

// GetProperty returns the value of a property, encoded as the ABI says: text as it is, numbers as 8 bytes little
// endian, booleans as one. An empty path is types.ErrorStatusBadArgument, a property without a value
// types.ErrorStatusNotFound.
func GetProperty(path []string) ([]byte, error) {
	if len(path) == 0 {
		return nil, types.ErrorStatusBadArgument
	}
	value, st := hostcall.GetProperty(encodePath(path))
	if st != abi.StatusOK {
		return nil, statusError(st)
	}
	return value, nil
}

// GetPropertyMap is [GetProperty] for a property that is a map.
func GetPropertyMap(path []string) ([][2]string, error) {
	value, err := GetProperty(path)
	if err != nil {
		return nil, err
	}
	pairs, err := abi.ParsePairs(value)
	if err != nil {
		return nil, err
	}
	return pairList(pairs), nil
}

// SetProperty sets a property of the stream, for later plugins and the access log to read. It needs a live stream. An
// empty path or value is types.ErrorStatusBadArgument.
func SetProperty(path []string, data []byte) error {
	if len(path) == 0 || len(data) == 0 {
		return types.ErrorStatusBadArgument
	}
	return statusError(hostcall.SetProperty(encodePath(path), data))
}
