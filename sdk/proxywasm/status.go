package proxywasm

import (
	"errors"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// statusError returns what a host call's status is as an error, nil for [abi.StatusOK].
func statusError(st abi.Status) error {
	if st == abi.StatusOK {
		return nil
	}
	return failure(st)
}

func failure(st abi.Status) error {
	switch st {
	case abi.StatusNotFound:
		return types.ErrorStatusNotFound
	case abi.StatusBadArgument:
		return types.ErrorStatusBadArgument
	case abi.StatusEmpty:
		return types.ErrorStatusEmpty
	case abi.StatusCasMismatch:
		return types.ErrorStatusCasMismatch
	case abi.StatusInternalFailure:
		return types.ErrorInternalFailure
	case abi.StatusUnimplemented:
		return types.ErrorUnimplemented
	}
	return errors.New("unknown status code: " + strconv.FormatUint(uint64(st), 10))
}
