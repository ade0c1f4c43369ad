package pluginhost

import "encoding/binary"

// protoField is a field of a protobuf message: a varint's value, or the bytes of a field that has a length.
type protoField struct {
	number uint64
	varint uint64
	bytes  []byte // aliases the message
	sized  bool   // the field has a length
}

// protoFields calls f for each field of a message that is a varint or has a length, in the message's order, and skips
// others. It reports whether b is a message. In protobuf the last field of a number counts, and a field of an
// unexpected type is taken as unknown.
func protoFields(b []byte, f func(protoField)) bool {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return false
		}
		b = b[n:]
		switch tag & 7 {
		case 0: // varint
			value, n := binary.Uvarint(b)
			if n <= 0 {
				return false
			}
			f(protoField{number: tag >> 3, varint: value})
			b = b[n:]
		case 1: // 64 bits
			if len(b) < 8 {
				return false
			}
			b = b[8:]
		case 2: // bytes
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return false
			}
			f(protoField{number: tag >> 3, bytes: b[n : n+int(size)], sized: true})
			b = b[n+int(size):]
		case 5: // 32 bits
			if len(b) < 4 {
				return false
			}
			b = b[4:]
		default: // groups are obsolete
			return false
		}
	}
	return true
}

// appendProtoBytes appends a field that has a length; an empty one is left out, as in proto3.
func appendProtoBytes(dst []byte, number uint64, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, number<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// appendProtoBool appends a Boolean field; false is left out, as in proto3.
func appendProtoBool(dst []byte, number uint64, b bool) []byte {
	if !b {
		return dst
	}
	return append(binary.AppendUvarint(dst, number<<3), 1)
}
