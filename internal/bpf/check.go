package bpf

import (
	"errors"
	"fmt"
)

// ErrInvalid is what every complaint of Check matches: the kernel would answer EINVAL.
var ErrInvalid = errors.New("the kernel would refuse this program")

// An InvalidError says what the kernel would not take.
type InvalidError struct {
	At   int // the instruction; -1 for the program as a whole
	What string
}

func (e *InvalidError) Error() string {
	if e.At < 0 {
		return "bpf: " + e.What
	}
	return fmt.Sprintf("bpf: instruction %d: %s", e.At, e.What)
}

// Is reports that every InvalidError is an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Check tells whether the kernel takes the program as a seccomp filter. The rules are those of bpf_check_classic and
// check_load_and_stores (net/core/filter.c) and of seccomp_check_filter (kernel/seccomp.c), each quoted where it is
// followed; they have not changed since Linux 3.5.
func Check(prog []Instruction) error {
	// seccomp_prepare_filter: "if (fprog->len == 0 || fprog->len > BPF_MAXINSNS) return -EINVAL".
	if len(prog) == 0 {
		return &InvalidError{-1, "an empty program"}
	}
	if len(prog) > MaxInstructions {
		return &InvalidError{-1, fmt.Sprintf("%d instructions, at most %d are taken", len(prog), MaxInstructions)}
	}
	for pc, i := range prog {
		if what := checkOne(i, uint64(len(prog)-pc)); what != "" {
			return &InvalidError{pc, what}
		}
	}
	// "Last instruction must be a RET code".
	if !prog[len(prog)-1].IsReturn() {
		return &InvalidError{len(prog) - 1, "the last instruction must be a return"}
	}
	return checkMemory(prog)
}

// checkOne checks an instruction by itself, left being how many there are from it on. It returns what is wrong.
func checkOne(i Instruction, left uint64) string {
	switch i.Op {
	case LoadWord:
		// "32-bit aligned and not out of bounds: if (k >= sizeof(struct seccomp_data) || k & 3) return -EINVAL".
		if i.K >= DataSize || i.K&3 != 0 {
			return fmt.Sprintf("a load from %d, which is no word of seccomp_data", i.K)
		}
	case Div:
		// "check for division by zero".
		if i.K == 0 {
			return "a division by zero"
		}
	case Lsh, Rsh:
		// "if (ftest->k >= 32) return -EINVAL".
		if i.K > maxShift {
			return fmt.Sprintf("a shift by %d, at most %d is taken", i.K, maxShift)
		}
	case LoadMem, LoadXMem, Store, StoreX:
		// "check for invalid memory addresses".
		if i.K >= memWords {
			return fmt.Sprintf("memory word %d, there are %d", i.K, memWords)
		}
	case Jump:
		// "the offset must not leave the program: if (ftest->k >= (unsigned int)(flen - pc - 1)) return -EINVAL".
		if uint64(i.K) >= left-1 {
			return fmt.Sprintf("a jump by %d, out of the program", i.K)
		}
	case JumpEq, JumpEqX, JumpGt, JumpGtX, JumpGe, JumpGeX, JumpSet, JumpSetX:
		// "both conditionals must be safe".
		if far := max(i.Jt, i.Jf); uint64(far)+1 >= left {
			return fmt.Sprintf("a jump by %d, out of the program", far)
		}
	case LoadLen, LoadXLen, LoadImm, LoadXImm, Return, ReturnA, CopyAToX, CopyXToA, Neg,
		Add, AddX, Sub, SubX, Mul, MulX, DivX, Or, OrX, And, AndX, Xor, XorX, LshX, RshX:
	default:
		return fmt.Sprintf("operation %#04x, which seccomp does not take", i.Op)
	}
	return ""
}

// checkMemory follows check_load_and_stores: "A BPF program may use cells of memory only after they were written":
// each word loaded must have been stored on every way there.
func checkMemory(prog []Instruction) error {
	const all = 1<<memWords - 1
	valid := make([]uint16, len(prog)) // the words written on every way to an instruction that jumps lead to
	for i := range valid {
		valid[i] = all
	}
	written := uint16(0)
	for pc, i := range prog {
		written &= valid[pc]
		switch i.Op {
		case Store, StoreX:
			written |= 1 << i.K
		case LoadMem, LoadXMem:
			if written>>i.K&1 == 0 {
				return &InvalidError{pc, fmt.Sprintf("memory word %d is read before it is written", i.K)}
			}
		case Jump:
			valid[pc+1+int(i.K)] &= written
			written = all
		case JumpEq, JumpEqX, JumpGt, JumpGtX, JumpGe, JumpGeX, JumpSet, JumpSetX:
			valid[pc+1+int(i.Jt)] &= written
			valid[pc+1+int(i.Jf)] &= written
			written = all
		}
	}
	return nil
}
