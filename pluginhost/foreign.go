package pluginhost

import (
	"encoding/binary"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// CallForeignFunction implements [abi.Host].
func (v *vm) CallForeignFunction(dst, name, argument []byte) ([]byte, abi.Status) {
	switch string(name) {
	case abi.FunctionGetLogLevel:
		return binary.LittleEndian.AppendUint32(dst, uint32(v.config().LogLevel)), abi.StatusOK
	case abi.FunctionClearRouteCache:
		v.clearRouteCache()
		return dst, abi.StatusOK
	case abi.FunctionSetMaxRequestsPerIOCycle:
		if len(argument) != 8 {
			return dst, abi.StatusBadArgument
		}
		return dst, abi.StatusOK
	case abi.FunctionInjectEncodedData:
		return dst, v.injectMessage(injectResponseData, argument)
	case abi.FunctionInjectEncodedDataOnHeader:
		return dst, v.injectMessage(injectLater, argument)
	}
	return dst, abi.StatusNotFound
}

func (v *vm) injectMessage(kind actionKind, argument []byte) abi.Status {
	body, end, ok := parseInject(argument)
	if !ok {
		return abi.StatusBadArgument
	}
	return v.inject(kind, body, end)
}

// parseInject decodes the argument of inject_encoded_data_to_filter_chain, a protobuf message {1: bytes body, 2: bool
// end}. body aliases b. As in protobuf, fields may come in any order, the last of one number counts, and unknown ones
// are skipped.
func parseInject(b []byte) (body []byte, end, ok bool) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return nil, false, false
		}
		b = b[n:]
		switch tag & 7 {
		case 0: // varint
			value, n := binary.Uvarint(b)
			if n <= 0 {
				return nil, false, false
			}
			if tag>>3 == 2 {
				end = value != 0
			}
			b = b[n:]
		case 1: // 64 bits
			if len(b) < 8 {
				return nil, false, false
			}
			b = b[8:]
		case 2: // bytes
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return nil, false, false
			}
			if tag>>3 == 1 {
				body = b[n : n+int(size)]
			}
			b = b[n+int(size):]
		case 5: // 32 bits
			if len(b) < 4 {
				return nil, false, false
			}
			b = b[4:]
		default: // groups are obsolete
			return nil, false, false
		}
	}
	return body, end, true
}
