package gostack

import (
	"encoding/binary"
	"sort"
)

// A frameTable tells how large a function's frame is at each of its instructions. It is read from the runtime's pclntab,
// in the format of Go 1.18 and later (runtime/symtab.go: pcHeader, _func, pcvalue). Package gosym reads the rest of it.
type frameTable struct {
	text    uint64
	quantum uint64
	count   int    // of functions
	pctab   []byte // sequences of changes
	funcs   []byte // count+1 pairs of entry and place, then the descriptions of functions
}

// newFrameTable reads the header. The error is ErrNotGo.
func newFrameTable(data []byte, text uint64) (frameTable, error) {
	const (
		go118, go120 = 0xfffffff0, 0xfffffff1
		words        = 8 // of the header, behind its first eight bytes
	)
	le := binary.LittleEndian
	if len(data) < 8+8*words || le.Uint32(data) != go118 && le.Uint32(data) != go120 || data[7] != 8 {
		return frameTable{}, ErrNotGo
	}
	word := func(i int) uint64 { return le.Uint64(data[8+8*i:]) }
	t := frameTable{text: text, quantum: uint64(data[6])}
	pctab, funcs, count := word(6), word(7), word(0)
	size := uint64(len(data))
	if pctab > size || funcs > size || count > (size-funcs)/8 || 8*count+4 > size-funcs {
		return frameTable{}, ErrNotGo
	}
	t.pctab, t.funcs, t.count = data[pctab:], data[funcs:], int(count)
	return t, nil
}

func (t *frameTable) u32(at int) uint32 {
	if at < 0 || at > len(t.funcs)-4 {
		return 0
	}
	return binary.LittleEndian.Uint32(t.funcs[at:])
}

// size returns how many bytes the stack pointer is below where it was when the function was called, at an instruction.
func (t *frameTable) size(pc uint64) (n int64, ok bool) {
	if pc < t.text || pc-t.text > 1<<32-1 {
		return 0, false
	}
	off := uint32(pc - t.text)
	i := sort.Search(t.count, func(i int) bool { return t.u32(8*i) > off }) - 1
	if i < 0 || off >= t.u32(8*(i+1)) {
		return 0, false
	}
	const pcsp = 16 // _func: entryOff, nameOff, args, deferreturn, pcsp
	place := t.u32(int(t.u32(8*i+4)) + pcsp)
	if place == 0 || int64(place) >= int64(len(t.pctab)) {
		return 0, false
	}
	return t.value(t.pctab[place:], uint64(t.u32(8*i)), uint64(off))
}

// value follows a sequence of changes up to an instruction. Each is a difference of the value, zigzag encoded, and one
// of the address, in units of quantum; both are variable in length. A difference of 0 ends it, but for the first.
func (t *frameTable) value(changes []byte, pc, target uint64) (int64, bool) {
	value := int64(-1)
	for first := true; ; first = false {
		change, n := binary.Uvarint(changes)
		if n <= 0 || change == 0 && !first {
			return 0, false
		}
		step, m := binary.Uvarint(changes[n:])
		if m <= 0 {
			return 0, false
		}
		changes = changes[n+m:]
		if change&1 != 0 {
			value += ^int64(change >> 1)
		} else {
			value += int64(change >> 1)
		}
		if pc += step * t.quantum; target < pc {
			return value, value >= 0
		}
	}
}
