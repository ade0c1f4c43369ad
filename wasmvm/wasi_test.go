package wasmvm

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestWASI(t *testing.T) {
	const outside = 4 << 16
	var records []Output
	tr := newTrampoline(t, abi.UnimplementedHost{}, VMConfig{
		Env:    map[string]string{"B": "2", "A": "1"},
		Output: func(o Output) { records = append(records, o) },
	})
	tr.put(512, "\x58\x02\x00\x00\x03\x00\x00\x00"+"\x5b\x02\x00\x00\x04\x00\x00\x00") // two vectors
	tr.put(600, "onetwo\n")
	tr.put(700, "\x58\x02\x00\x00\x03\x00\x00\x00"+"\x00\x00\x04\x00\x01\x00\x00\x00") // the second is outside
	tests := []struct {
		name string
		call string
		args []uint64
		want errno
	}{
		{"arguments", "args_sizes_get", []uint64{outA, outB}, 0},
		{"arguments to nowhere", "args_sizes_get", []uint64{outA, outside}, errnoFault},
		{"no arguments", "args_get", []uint64{outA, outB}, 0},
		{"environment to nowhere", "environ_get", []uint64{outside, 1024}, errnoFault},
		{"environment's bytes to nowhere", "environ_get", []uint64{1024, outside - 1}, errnoFault},
		{"environment sizes to nowhere", "environ_sizes_get", []uint64{outside, outA}, errnoFault},
		{"realtime", "clock_time_get", []uint64{0, 1, outA}, 0},
		{"monotonic", "clock_time_get", []uint64{1, 1, outA}, 0},
		{"another clock", "clock_time_get", []uint64{2, 1, outA}, errnoNotSup},
		{"clock to nowhere", "clock_time_get", []uint64{0, 1, outside - 7}, errnoFault},
		{"resolution", "clock_res_get", []uint64{0, outA}, 0},
		{"resolution of another clock", "clock_res_get", []uint64{9, outA}, errnoNotSup},
		{"resolution to nowhere", "clock_res_get", []uint64{1, outside}, errnoFault},
		{"random to nowhere", "random_get", []uint64{outside - 1, 2}, errnoFault},
		{"random wraps", "random_get", []uint64{math.MaxUint32, 2}, errnoFault},
		{"as much as may be", "random_get", []uint64{0x10000, maxRandom}, 0},
		{"too much", "random_get", []uint64{0x10000, maxRandom + 1}, errnoInval},
		{"write", "fd_write", []uint64{1, 512, 2, outA}, 0},
		{"write nothing", "fd_write", []uint64{2, 512, 0, outA}, 0},
		{"write to stdin", "fd_write", []uint64{0, 512, 2, outA}, errnoBadF},
		{"write to a file", "fd_write", []uint64{3, 512, 2, outA}, errnoBadF},
		{"vectors outside", "fd_write", []uint64{1, outside - 8, 2, outA}, errnoFault},
		{"too many vectors", "fd_write", []uint64{1, 512, math.MaxUint32, outside}, errnoFault},
		{"a vector that leads outside", "fd_write", []uint64{1, 700, 2, outA}, errnoFault},
		{"written to nowhere", "fd_write", []uint64{1, 512, 1, outside - 3}, errnoFault},
		{"stdout", "fd_fdstat_get", []uint64{1, outA}, 0},
		{"stdin", "fd_fdstat_get", []uint64{0, outA}, errnoBadF},
		{"stat to nowhere", "fd_fdstat_get", []uint64{2, outside - 23}, errnoFault},
		{"poll", "poll_oneoff", []uint64{512, 512, 1, outA}, 0},
		{"poll to nowhere", "poll_oneoff", []uint64{512, 512, 1, outside}, errnoFault},
		{"directories", "fd_prestat_get", []uint64{3, outA}, errnoBadF},
		{"directory name", "fd_prestat_dir_name", []uint64{3, 0, 0}, errnoNoSys},
		{"open", "path_open", make([]uint64, 9), errnoNoEnt},
		{"stat of a path", "path_filestat_get", make([]uint64, 5), errnoNotSup},
		{"read", "fd_read", make([]uint64, 4), errnoNoSys},
		{"flags", "fd_fdstat_set_flags", make([]uint64, 2), errnoNoSys},
		{"close", "fd_close", []uint64{1}, 0},
		{"seek in a stream", "fd_seek", []uint64{1, 0, 0, outA}, errnoSPipe},
		{"seek in a file", "fd_seek", []uint64{7, 0, 0, outA}, errnoBadF},
		{"yield", "sched_yield", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tr.must(t, tt.call, tt.args...); errno(got) != tt.want {
				t.Errorf("errno = %d, want %d", got, tt.want)
			}
		})
	}
	if len(records) != 1 || records[0] != (Output{false, "onetwo"}) {
		t.Errorf("records = %+v", records)
	}

	t.Run("environment", func(t *testing.T) {
		tr.must(t, "environ_sizes_get", outA, outB)
		if tr.u32(outA) != 2 || tr.u32(outB) != 8 {
			t.Fatalf("sizes = %d, %d", tr.u32(outA), tr.u32(outB))
		}
		tr.must(t, "environ_get", outA, 1024)
		if b, _ := tr.memory.Read(tr.u32(outA), 8); string(b) != "A=1\x00B=2\x00" || tr.u32(outA+4) != tr.u32(outA)+4 {
			t.Errorf("environment = %q", b)
		}
	})
	t.Run("clocks are real", func(t *testing.T) {
		now := func(id uint64) time.Duration {
			tr.must(t, "clock_time_get", id, 0, outA)
			b, _ := tr.memory.Read(outA, 8)
			return time.Duration(binary.LittleEndian.Uint64(b))
		}
		if wall := time.Unix(0, int64(now(0))); time.Since(wall).Abs() > time.Minute {
			t.Errorf("realtime is %v", wall)
		}
		a := now(1)
		time.Sleep(2 * time.Millisecond)
		if b := now(1); a <= 0 || b-a < 2*time.Millisecond {
			t.Errorf("monotonic went from %v to %v", a, b)
		}
	})
	t.Run("randomness is random", func(t *testing.T) {
		read := func() string {
			tr.must(t, "random_get", 1024, 16)
			b, _ := tr.memory.Read(1024, 16)
			return string(b)
		}
		if a, b := read(), read(); a == b || a == strings.Repeat("\x00", 16) {
			t.Errorf("%x, then %x", a, b)
		}
	})
	t.Run("a long write is taken in part", func(t *testing.T) {
		tr.memory.WriteUint32Le(512, 0)
		tr.memory.WriteUint32Le(516, 4<<16)
		if got := tr.must(t, "fd_write", 1, 512, 1, outA); got != 0 || tr.u32(outA) != maxWrite {
			t.Errorf("errno %d, wrote %d", got, tr.u32(outA))
		}
	})
}
