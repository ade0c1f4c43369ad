package fuel

// Opcodes that the rewriting treats one by one.
const (
	opUnreachable        = 0x00
	opBlock              = 0x02
	opLoop               = 0x03
	opIf                 = 0x04
	opElse               = 0x05
	opThrow              = 0x08
	opThrowRef           = 0x0a
	opEnd                = 0x0b
	opBr                 = 0x0c
	opBrIf               = 0x0d
	opBrTable            = 0x0e
	opReturn             = 0x0f
	opCall               = 0x10
	opCallIndirect       = 0x11
	opReturnCall         = 0x12
	opReturnCallIndirect = 0x13
	opCallRef            = 0x14
	opReturnCallRef      = 0x15
	opTypedSelect        = 0x1c
	opTryTable           = 0x1f
	opLocalGet           = 0x20
	opLocalSet           = 0x21
	opLocalTee           = 0x22
	opGlobalGet          = 0x23
	opGlobalSet          = 0x24
	opMemorySize         = 0x3f
	opMemoryGrow         = 0x40
	opI32Const           = 0x41
	opI64Const           = 0x42
	opF32Const           = 0x43
	opF64Const           = 0x44
	opI32LtS             = 0x48
	opI32GtU             = 0x4b
	opI32Add             = 0x6a
	opI32Sub             = 0x6b
	opI32Mul             = 0x6c
	opI32ShrU            = 0x76
	opI64Add             = 0x7c
	opI64Sub             = 0x7d
	opI64Mul             = 0x7e
	opRefNull            = 0xd0
	opRefFunc            = 0xd2
	opBrOnNull           = 0xd5
	opBrOnNonNull        = 0xd6
	opMisc               = 0xfc // prefix: saturating conversions, bulk operations
	opVector             = 0xfd
	opAtomic             = 0xfe

	blockEmpty = 0x40
)

// Opcodes after the prefix opVector.
const (
	vecLastLoad     = 11 // the first ones are loads and the store
	vecConst        = 12
	vecShuffle      = 13
	vecFirstLane    = 21 // extract_lane, replace_lane
	vecLastLane     = 34
	vecFirstLaneMem = 84 // load_lane, store_lane
	vecLastLaneMem  = 91
	vecLoadZero32   = 92
	vecLoadZero64   = 93
)

// Opcodes after the prefix opAtomic.
const (
	atomicWait32 = 1
	atomicWait64 = 2
	atomicFence  = 3
	atomicLast   = 0x4e
)

// Opcodes after the prefix opMisc.
const (
	miscLastConvert = 7
	miscMemoryInit  = 8
	miscDataDrop    = 9
	miscMemoryCopy  = 10
	miscMemoryFill  = 11
	miscTableInit   = 12
	miscElemDrop    = 13
	miscTableCopy   = 14
	miscTableGrow   = 15
	miscTableSize   = 16
	miscTableFill   = 17
)

// shape is what follows an opcode.
type shape uint8

const (
	unknown  shape = iota
	bare           // nothing
	number         // a table index
	local          // a local index
	access         // alignment and offset of a memory access
	signed32       // i32.const
	signed64       // i64.const
	bytes4         // f32.const
	bytes8         // f64.const
	special        // a case of its own in the walk
)

var shapes = func() (s [256]shape) {
	set := func(k shape, from, to int) {
		for op := from; op <= to; op++ {
			s[op] = k
		}
	}
	set(bare, 0x01, 0x01)    // nop
	set(bare, 0x1a, 0x1b)    // drop, select
	set(local, 0x20, 0x22)   // local.*
	set(number, 0x25, 0x26)  // table.get, table.set
	set(access, 0x28, 0x3e)  // loads and stores
	set(bare, 0x45, 0xc4)    // arithmetic
	set(bare, 0xd1, 0xd1)    // ref.is_null
	set(bare, 0xd4, 0xd4)    // ref.as_non_null
	set(special, 0x00, 0x00) // unreachable
	set(special, 0x02, 0x05) // blocks
	set(special, 0x08, 0x08) // throw
	set(special, 0x0a, 0x15) // throw_ref, end, branches, calls
	set(special, 0x1c, 0x1c) // select t
	set(special, 0x1f, 0x1f) // try_table
	set(special, 0x23, 0x24) // global.*
	set(special, 0x3f, 0x40) // memory.size, memory.grow
	set(special, 0xd0, 0xd0) // ref.null
	set(special, 0xd2, 0xd2) // ref.func
	set(special, 0xd5, 0xd6) // br_on_*
	set(special, 0xfc, 0xfe) // prefixes
	s[opI32Const], s[opI64Const] = signed32, signed64
	s[opF32Const], s[opF64Const] = bytes4, bytes8
	return s
}()

// slow marks plain instructions that cost costDivide.
var slow = func() (s [256]bool) {
	for _, op := range []byte{
		0x6d, 0x6e, 0x6f, 0x70, // i32.div_s, div_u, rem_s, rem_u
		0x7f, 0x80, 0x81, 0x82, // i64
		0x91, 0x95, // f32.sqrt, div
		0x9f, 0xa3, // f64
	} {
		s[op] = true
	}
	return s
}()
