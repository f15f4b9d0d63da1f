package sys

import (
	"sync/atomic"
	"unsafe"
)

// Store8 stores eight bytes at the beginning of mem at once, after all that was stored before it. They are aligned.
func Store8(mem []byte, word [8]byte) {
	p := unsafe.Pointer(&mem[:8][0])
	if uintptr(p)%8 != 0 {
		panic("sys: bug: eight bytes that are not aligned")
	}
	var w uint64
	*(*[8]byte)(unsafe.Pointer(&w)) = word
	atomic.StoreUint64((*uint64)(p), w)
}
