package gostack

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Frame is a function that is being executed, and where. What the compiler has put into it from other functions has
// their lines, under its name.
type Frame struct {
	Func, File string
	Line       int
}

// maxFrames is how much of a stack is read.
const maxFrames = 64

var errStack = errors.New("the stack makes no sense")

// Stack returns the frames of a thread that waits in a system call, the innermost first. It is for who knows that the
// thread is of the program's process, and that it goes on waiting.
func (p *Program) Stack(tid int) ([]Frame, error) {
	pc, sp, err := registers(tid)
	if err != nil {
		return nil, err
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", tid))
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	word := func(at uint64) (uint64, error) {
		var b [8]byte
		_, err := mem.ReadAt(b[:], int64(at))
		return binary.LittleEndian.Uint64(b[:]), err
	}
	next := p.bySize(sp)
	if p.machine == elf.EM_AARCH64 {
		next = byPointer(sp)
	}
	var frames []Frame
	for at := pc - p.bias + 1; len(frames) < maxFrames; {
		// An address to return to may be the next function's already: the call is what lies before it.
		file, line, fn := p.names.PCToLine(at - 1)
		if fn == nil {
			break
		}
		frames = append(frames, Frame{fn.Name, file, line})
		if outermost(fn.Name) {
			return frames, nil
		}
		if at, err = next(at-1, word); err != nil {
			return nil, err
		}
		at -= p.bias
	}
	if len(frames) < maxFrames {
		return nil, errStack // of C, or read wrongly
	}
	return frames, nil
}

// outermost tells of the functions that nothing is below (runtime/stack.go, topofstack).
func outermost(name string) bool {
	switch name {
	case "runtime.goexit", "runtime.mstart", "runtime.mcall", "runtime.morestack", "runtime.rt0_go", "runtime.mstart0":
		return true
	}
	return strings.HasPrefix(name, "_rt0_")
}

// bySize goes from frame to frame by their sizes, on amd64: above the frame of a function lies the address it returns to.
func (p *Program) bySize(sp uint64) func(uint64, func(uint64) (uint64, error)) (uint64, error) {
	return func(pc uint64, word func(uint64) (uint64, error)) (uint64, error) {
		size, ok := p.frames.size(pc)
		if !ok {
			return 0, errStack
		}
		sp += uint64(size)
		ret, err := word(sp)
		sp += 8
		return ret, err
	}
}

// byPointer goes from frame to frame by the frame pointers, on arm64: each points to where the caller's is kept, and the
// address to return to lies above it. The function that makes the call has no frame, and its caller keeps the pointer
// below the stack pointer; to where in that caller it returns is in a register only, so that one is left out.
func byPointer(sp uint64) func(uint64, func(uint64) (uint64, error)) (uint64, error) {
	fp := sp - 8
	return func(_ uint64, word func(uint64) (uint64, error)) (uint64, error) {
		ret, err := word(fp + 8)
		if err != nil {
			return 0, err
		}
		below := fp
		if fp, err = word(fp); err == nil && fp <= below {
			fp = ^uint64(7) // the outermost frame: whoever asks for more reads nothing
		}
		return ret, err
	}
}

// registers returns the program counter and the stack pointer of a thread that waits in a call: /proc/PID/syscall has
// "the syscall number, argument registers, and the values of the stack pointer and program counter registers" (proc(5)).
func registers(tid int) (pc, sp uint64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", tid))
	if err != nil {
		return 0, 0, err
	}
	words := strings.Fields(string(text))
	if len(words) != 9 {
		return 0, 0, fmt.Errorf("thread %d waits in no system call", tid)
	}
	if sp, err = strconv.ParseUint(words[7], 0, 64); err != nil {
		return 0, 0, err
	}
	pc, err = strconv.ParseUint(words[8], 0, 64)
	return pc, sp, err
}
