package wasmvm

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// FuzzHostCalls makes any host call with any arguments. Whatever they are, the host does not panic, and nothing but
// proc_exit ends the guest.
func FuzzHostCalls(f *testing.F) {
	code, index := trampolineModule()
	ctx := context.Background()
	e, err := NewEngine(ctx, EngineConfig{})
	if err != nil {
		f.Fatal(err)
	}
	m, err := e.Compile(ctx, code.Bytes())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { m.Close(ctx); e.Close(ctx) })
	names := make([]string, len(index))
	for name, i := range index {
		names[i] = name
		f.Add(uint8(i), []byte("\x00\x02\x00\x00\x08\x00\x00\x00"), uint16(0), "result")
		f.Add(uint8(i), []byte("\xff\xff\xff\xff\x01\x00\x00\x00\xf0\xff\xff\xff\x20\x00\x00\x00"), uint16(12), "")
	}
	f.Fuzz(func(t *testing.T, call uint8, args []byte, status uint16, result string) {
		host := &recordingHost{result: result, status: abi.Status(status % 13)}
		vm, err := m.Instantiate(ctx, host, VMConfig{CallbackDeadline: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Close(ctx)
		name := names[int(call)%len(names)]
		for i := range 12 {
			var slot [8]byte
			copy(slot[:4], args[min(4*i, len(args)):])
			vm.memory.WriteUint64Le(uint32(trampolineArgs+8*i), binary.LittleEndian.Uint64(slot[:]))
		}
		err = vm.OnTick(uint32(index[name]))
		var exit *ExitError
		if err != nil && (name != "proc_exit" || !errors.As(err, &exit)) {
			t.Fatalf("%s: %v", name, err)
		}
	})
}

// FuzzCompile compiles any bytes. It does not panic, and what it accepts can be instantiated or is refused in one line.
func FuzzCompile(f *testing.F) {
	code, _ := trampolineModule()
	f.Add(code.Bytes())
	f.Add(wasmtest.Plugin().Bytes())
	f.Add(doneOnTick().Bytes())
	for _, build := range spinners {
		f.Add(build().Bytes())
	}
	ctx := context.Background()
	e, err := NewEngine(ctx, EngineConfig{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close(ctx) })
	f.Fuzz(func(t *testing.T, code []byte) {
		m, err := e.Compile(ctx, code)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("several lines: %q", err)
			}
			return
		}
		defer m.Close(ctx)
		cfg := VMConfig{MemoryLimit: 1 << 20, StartDeadline: 20 * time.Millisecond, CallbackDeadline: 20 * time.Millisecond}
		vm, err := m.Instantiate(ctx, &recordingHost{result: "result"}, cfg)
		if err != nil {
			return
		}
		defer vm.Close(ctx)
		if err := vm.OnTick(1); err != nil && vm.Err() == nil {
			t.Fatalf("an error without a trap: %v", err)
		}
	})
}
