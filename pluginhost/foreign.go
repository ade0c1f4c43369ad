package pluginhost

import (
	"encoding/binary"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// CallForeignFunction implements [abi.Host]. The functions are those of Envoy and Higress, but for expr_create,
// expr_evaluate and expr_delete: as a build of Envoy without its CEL parser, this host does not know them.
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
	case abi.FunctionCompress:
		return v.compress(dst, argument)
	case abi.FunctionUncompress:
		return v.uncompress(dst, argument)
	case abi.FunctionDeclareProperty:
		return dst, v.declareProperty(argument)
	case abi.FunctionSetFilterState:
		return dst, v.setNamedFilterState(argument)
	case functionSign:
		return v.sign(dst, argument)
	case functionVerifySignature:
		return v.verifySignature(dst, argument)
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
// end}. body aliases b.
func parseInject(b []byte) (body []byte, end, ok bool) {
	ok = protoFields(b, func(f protoField) {
		switch {
		case f.number == 1 && f.sized:
			body = f.bytes
		case f.number == 2 && !f.sized:
			end = f.varint != 0
		}
	})
	if !ok {
		return nil, false, false
	}
	return body, end, true
}
