package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapShared maps the first size bytes of a file, to be read and written, shared with all that have it. unix.Mmap does
// the same and keeps a table of what it mapped, which costs a program that links it 10 KB.
func MapShared(fd, size int) ([]byte, error) {
	p, err := unix.MmapPtr(fd, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), size), nil
}

// Unmap takes away what MapShared mapped.
func Unmap(mem []byte) error { return unix.MunmapPtr(unsafe.Pointer(&mem[0]), uintptr(len(mem))) }
