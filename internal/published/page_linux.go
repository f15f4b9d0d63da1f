package published

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// Seals are what the file of a Page is sealed with: its size stays, nobody gets another way to write to it, and the
// seals stay.
const Seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_FUTURE_WRITE | unix.F_SEAL_SEAL

// A Page is the writer's side of the file. It is not for concurrent use.
type Page struct {
	memory
	fd         int
	generation int
}

// New makes a file, closed on exec, for texts of at most room bytes, and its mapping. What it needs of the kernel it
// needs now: Put makes no system call. An error says what the kernel refused, and leaves nothing behind; without
// F_SEAL_FUTURE_WRITE (Linux 5.1) there is no Page.
func New(room int) (*Page, error) {
	size := header + 2*room
	size += -size & (unix.Getpagesize() - 1)
	if size > MaxSize {
		return nil, fmt.Errorf("%d bytes are too much", size)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err == nil && limit.Cur < uint64(size) {
		return nil, errors.New("the limit of file sizes (RLIMIT_FSIZE) is lower") // asking would be answered by SIGXFSZ
	}
	fd, err := create()
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	p := &Page{fd: fd}
	// The memory is got now: were it missing later, writing to it would be a SIGBUS.
	if err := unix.Fallocate(fd, 0, 0, int64(size)); err != nil {
		p.Close()
		return nil, fmt.Errorf("fallocate: %w", err)
	}
	if p.memory, err = sys.MapShared(fd, size); err != nil {
		p.Close()
		return nil, fmt.Errorf("mmap: %w", err)
	}
	// F_SEAL_FUTURE_WRITE: "prevents any future mapping or write to the file, shared writable mappings that were
	// created before keep working" (fcntl(2)).
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, Seals); err != nil {
		p.Close()
		if err == unix.EINVAL {
			return nil, errors.New("it could not be sealed against others: F_SEAL_FUTURE_WRITE needs Linux 5.1")
		}
		return nil, fmt.Errorf("fcntl F_ADD_SEALS: %w", err)
	}
	copy(p.memory, magic+" 000000\n")
	return p, nil
}

// create asks for a file that can't be executed either, which kernels before 6.3 don't know.
func create() (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(Name, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(Name, flags)
	}
	return fd, err
}

// Room is how many bytes a text may have.
func (p *Page) Room() int { return len(p.half(0)) }

// Put publishes a text without zero bytes, of which what exceeds the Room is cut off.
func (p *Page) Put(text []byte) {
	p.generation = after(p.generation)
	p.put(p.generation, text, func(word [8]byte) { sys.Store8(p.memory[len(magic):], word) })
}

// Close takes the file away. It is for a process that publishes nothing after all.
func (p *Page) Close() {
	if p.memory != nil {
		sys.Unmap(p.memory)
		p.memory = nil
	}
	unix.Close(p.fd)
}

// Sealed tells whether a file can be written to by nobody but who has mapped it before, and never shrinks.
func Sealed(fd int) (bool, error) {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err == unix.EINVAL { // a file of a kind that knows no seals
		return false, nil
	}
	return err == nil && seals&Seals == Seals, err
}
