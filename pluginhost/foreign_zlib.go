package pluginhost

import (
	"bytes"
	"compress/zlib"
	"io"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// maxUncompressed bounds what uncompress answers, in bytes. Envoy has no bound.
const maxUncompressed = 64 << 20

// compress appends argument as a zlib stream.
func (v *vm) compress(dst, argument []byte) ([]byte, abi.Status) {
	// A zlib stream is not much longer than its contents; what it costs beside that is the compressor.
	if !v.allow(len(argument) + 1<<20) {
		return dst, abi.StatusInternalFailure
	}
	b := bytes.NewBuffer(dst)
	w := zlib.NewWriter(b)
	_, err := w.Write(argument)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return dst, abi.StatusSerializationFailure
	}
	return b.Bytes(), abi.StatusOK
}

// uncompress appends what a zlib stream holds. As in Envoy, bytes after the stream are of no interest.
func (v *vm) uncompress(dst, argument []byte) ([]byte, abi.Status) {
	r, err := zlib.NewReader(bytes.NewReader(argument))
	if err != nil {
		return dst, abi.StatusSerializationFailure
	}
	n := len(dst)
	limit := min(maxUncompressed, max(0, maxSpent-v.spent))
	b := bytes.NewBuffer(dst)
	size, err := io.Copy(b, io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return dst[:n], abi.StatusSerializationFailure
	}
	if size > int64(limit) || !v.allow(int(size)) {
		return dst[:n], abi.StatusInternalFailure
	}
	return b.Bytes(), abi.StatusOK
}
