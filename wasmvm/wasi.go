package wasmvm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sort"

	"github.com/tetratelabs/wazero/api"
)

// The namespaces of WASI's first version, under its final name and its earlier one. Where they differ (the layout of
// some structures), it is in functions that are not supported.
const (
	wasiPreview1 = "wasi_snapshot_preview1"
	wasiUnstable = "wasi_unstable"
)

// errno is what a WASI function answers.
type errno uint32

const (
	errnoSuccess errno = 0
	errnoBadF    errno = 8
	errnoFault   errno = 21
	errnoInval   errno = 28
	errnoNoEnt   errno = 44
	errnoNoSys   errno = 52
	errnoNotSup  errno = 58
	errnoSPipe   errno = 70
	// errnoNotCapable is what a function answers that VMConfig.AllowedCapabilities has not.
	errnoNotCapable errno = 76
)

// wasiCall is one row of the table of WASI functions. Each answers an errno, except proc_exit, which does not return.
type wasiCall struct {
	params string // as in hostCall
	run    func(vm *VM, s []uint64) errno
}

// A plugin has clocks, randomness, an environment, and two streams to write to. It has no files and no network: those
// functions are there because runtimes import them, and answer as Envoy's host does.
var wasiCalls = map[string]wasiCall{
	"args_get":                {"ii", answer(errnoSuccess)},
	"args_sizes_get":          {"ii", argsSizesGet},
	"clock_res_get":           {"ii", clockResGet},
	"clock_time_get":          {"ili", clockTimeGet},
	"environ_get":             {"ii", environGet},
	"environ_sizes_get":       {"ii", environSizesGet},
	"fd_advise":               {"illi", answer(errnoNoSys)},
	"fd_allocate":             {"ill", answer(errnoNoSys)},
	"fd_close":                {"i", answer(errnoSuccess)},
	"fd_datasync":             {"i", answer(errnoNoSys)},
	"fd_fdstat_get":           {"ii", fdFdstatGet},
	"fd_fdstat_set_flags":     {"ii", answer(errnoNoSys)},
	"fd_fdstat_set_rights":    {"ill", answer(errnoNoSys)},
	"fd_filestat_get":         {"ii", answer(errnoNoSys)},
	"fd_filestat_set_size":    {"il", answer(errnoNoSys)},
	"fd_filestat_set_times":   {"illi", answer(errnoNoSys)},
	"fd_pread":                {"iiili", answer(errnoNoSys)},
	"fd_prestat_dir_name":     {"iii", answer(errnoNoSys)},
	"fd_prestat_get":          {"ii", answer(errnoBadF)}, // ends a runtime's search for directories
	"fd_pwrite":               {"iiili", answer(errnoNoSys)},
	"fd_read":                 {"iiii", answer(errnoNoSys)},
	"fd_readdir":              {"iiili", answer(errnoNoSys)},
	"fd_renumber":             {"ii", answer(errnoNoSys)},
	"fd_seek":                 {"ilii", fdSeek},
	"fd_sync":                 {"i", answer(errnoNoSys)},
	"fd_tell":                 {"ii", answer(errnoNoSys)},
	"fd_write":                {"iiii", fdWrite},
	"path_create_directory":   {"iii", answer(errnoNoSys)},
	"path_filestat_get":       {"iiiii", answer(errnoNotSup)},
	"path_filestat_set_times": {"iiiilli", answer(errnoNoSys)},
	"path_link":               {"iiiiiii", answer(errnoNoSys)},
	"path_open":               {"iiiiillii", answer(errnoNoEnt)},
	"path_readlink":           {"iiiiii", answer(errnoNoSys)},
	"path_remove_directory":   {"iii", answer(errnoNoSys)},
	"path_rename":             {"iiiiii", answer(errnoNoSys)},
	"path_symlink":            {"iiiii", answer(errnoNoSys)},
	"path_unlink_file":        {"iii", answer(errnoNoSys)},
	"poll_oneoff":             {"iiii", pollOneoff},
	"proc_exit":               {"i", procExit},
	"proc_raise":              {"i", answer(errnoNoSys)},
	"random_get":              {"ii", randomGet},
	"sched_yield":             {"", answer(errnoSuccess)},
	"sock_accept":             {"iii", answer(errnoNoSys)},
	"sock_recv":               {"iiiiii", answer(errnoNoSys)},
	"sock_send":               {"iiiii", answer(errnoNoSys)},
	"sock_shutdown":           {"ii", answer(errnoNoSys)},
}

const (
	// maxRandom bounds one random_get, in bytes, as Envoy's host does.
	maxRandom = 64 << 10
	// maxWrite and maxVectors bound what one fd_write takes; more is taken by the next, which runtimes make.
	maxWrite   = 64 << 10
	maxVectors = 1024
)

func (c wasiCall) bind(name string) hostFunction {
	run := c.run
	f := hostFunction{sig: signature{params: paramTypes(c.params), results: []api.ValueType{i32}}}
	if name == "proc_exit" {
		f.sig.results = nil
		f.run = func(ctx context.Context, mod api.Module, s []uint64) {
			if vm := enter(ctx, mod); !vm.guarded || vm.allowed(name) {
				run(vm, s)
			}
		}
		return f
	}
	f.run = func(ctx context.Context, mod api.Module, s []uint64) {
		vm := enter(ctx, mod)
		if vm.guarded && !vm.allowed(name) {
			s[0] = uint64(errnoNotCapable)
			return
		}
		s[0] = uint64(run(vm, s))
	}
	return f
}

func answer(e errno) func(*VM, []uint64) errno { return func(*VM, []uint64) errno { return e } }

// environment encodes the variables as C strings, in the order of their names.
func environment(env map[string]string) (all [][]byte) {
	for k, v := range env {
		all = append(all, []byte(k+"="+v+"\x00"))
	}
	sort.Slice(all, func(i, j int) bool { return string(all[i]) < string(all[j]) })
	return all
}

func argsSizesGet(vm *VM, s []uint64) errno { return vm.sizes(s, 0, 0) }

func environSizesGet(vm *VM, s []uint64) errno {
	n := 0
	for _, v := range vm.environ {
		n += len(v)
	}
	return vm.sizes(s, len(vm.environ), n)
}

func (vm *VM) sizes(s []uint64, count, size int) errno {
	if !vm.outs(s, 0, 1) {
		return errnoFault
	}
	vm.put32(s[0], uint32(count))
	vm.put32(s[1], uint32(size))
	return errnoSuccess
}

func environGet(vm *VM, s []uint64) errno {
	pointer, at := uint32(s[0]), uint32(s[1])
	for _, v := range vm.environ {
		p, ok1 := vm.view(pointer, 4)
		b, ok2 := vm.view(at, uint32(len(v)))
		if !ok1 || !ok2 {
			return errnoFault
		}
		binary.LittleEndian.PutUint32(p, at)
		copy(b, v)
		pointer, at = pointer+4, at+uint32(len(v))
	}
	return errnoSuccess
}

const (
	clockRealtime  = 0
	clockMonotonic = 1
)

func clockTimeGet(vm *VM, s []uint64) errno {
	if _, ok := vm.view(uint32(s[2]), 8); !ok {
		return errnoFault
	}
	switch uint32(s[0]) {
	case clockRealtime:
		vm.put64(s[2], uint64(vm.cfg.Now().UnixNano()))
	case clockMonotonic:
		// Go programs take a monotonic clock of 0 for a broken one.
		vm.put64(s[2], uint64(vm.cfg.Now().Sub(vm.born))+1)
	default:
		return errnoNotSup
	}
	return errnoSuccess
}

func clockResGet(vm *VM, s []uint64) errno {
	if id := uint32(s[0]); id != clockRealtime && id != clockMonotonic {
		return errnoNotSup
	}
	if _, ok := vm.view(uint32(s[1]), 8); !ok {
		return errnoFault
	}
	vm.put64(s[1], 1)
	return errnoSuccess
}

func randomGet(vm *VM, s []uint64) errno {
	if uint32(s[1]) > maxRandom {
		return errnoInval
	}
	b, ok := vm.in(s, 0)
	if !ok {
		return errnoFault
	}
	_, _ = rand.Read(b) // never fails
	return errnoSuccess
}

// pollOneoff has no events, ever: a plugin cannot wait. A sleep in it spins until its time has come, or the deadline.
func pollOneoff(vm *VM, s []uint64) errno {
	if !vm.outs(s, 3) {
		return errnoFault
	}
	vm.put32(s[3], 0)
	return errnoSuccess
}

// procExit ends the VM. Envoy's host logs and returns; runtimes then trap by themselves.
func procExit(_ *VM, s []uint64) errno { panic(&ExitError{Code: uint32(s[0])}) }

func fdFdstatGet(vm *VM, s []uint64) errno {
	if fd := uint32(s[0]); fd != 1 && fd != 2 {
		return errnoBadF
	}
	b, ok := vm.view(uint32(s[1]), 24)
	if !ok {
		return errnoFault
	}
	clear(b)
	b[8] = 1 << 6 // the right to write
	return errnoSuccess
}

func fdSeek(_ *VM, s []uint64) errno {
	if uint32(s[0]) > 2 {
		return errnoBadF
	}
	return errnoSPipe
}

func fdWrite(vm *VM, s []uint64) errno {
	fd := uint32(s[0])
	if fd != 1 && fd != 2 {
		return errnoBadF
	}
	if !vm.outs(s, 3) {
		return errnoFault
	}
	count := min(uint32(s[2]), maxVectors)
	vectors, ok := vm.view(uint32(s[1]), count*8)
	if !ok {
		return errnoFault
	}
	// Nothing is written of a call that names memory that is not there.
	for i := range count {
		v := vectors[i*8:]
		if _, ok := vm.view(binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint32(v[4:])); !ok {
			return errnoFault
		}
	}
	written := 0
	for i := range count {
		v := vectors[i*8:]
		b, _ := vm.view(binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint32(v[4:]))
		b = b[:min(len(b), maxWrite-written)]
		vm.out.write(fd == 2, b)
		written += len(b)
	}
	vm.put32(s[3], uint32(written))
	return errnoSuccess
}
