package lock

import "fmt"

// The kernel's limits (include/uapi/linux/bpf_common.h, kernel/seccomp.c).
const (
	MaxInstructions = 4096  // BPF_MAXINSNS: instructions of one filter
	MaxWeight       = 32768 // MAX_INSNS_PER_PATH: all filters of a thread together, see Weight

	// WeightEach is what each filter in force adds to its own weight when a further one is installed:
	// "4 instruction penalty" (kernel/seccomp.c, seccomp_attach_filter).
	WeightEach = 4
)

// Weight tells how many instructions a filter counts for against MaxWeight. It is more than its length: the kernel
// counts the instructions of its own eBPF, into which it converts the program (net/core/filter.c,
// bpf_convert_filter, Linux 4.14 to 6.18), and says so nowhere.
func Weight(filter []Instruction) int {
	const (
		class, op, src, rval = 0x07, 0xf0, 0x08, 0x18 // the fields of an instruction's code
		alu, jmp, ret        = 0x04, 0x05, 0x06
		ja, jeq, jgt, jge    = 0x00, 0x10, 0x20, 0x30
		div                  = 0x30
	)
	n := 3 // A = 0, X = 0, and the context moved to its register
	for _, ins := range filter {
		n++
		switch ins.Code & class {
		case ret:
			if ins.Code&rval == 0 {
				n++ // the constant is loaded, then returned
			}
		case alu:
			if ins.Code&src != 0 && ins.Code&op == div {
				n += 4 // X is extended and tested for zero, in which case the program returns zero
			}
		case jmp:
			o := ins.Code & op
			if o == ja {
				continue
			}
			if ins.Code&src == 0 && int32(ins.K) < 0 {
				n++ // eBPF extends the sign of a constant, so this one goes through a register
			}
			// "Common case where 'jump_false' is next insn"; for a jump whose true branch is next the condition is
			// inverted, which JSET has no code for. All others take a second jump.
			if ins.Jf != 0 && (ins.Jt != 0 || o != jeq && o != jgt && o != jge) {
				n++
			}
		}
	}
	return n
}

// check refuses what the kernel would refuse, before anything is installed. weight is that of the filters in force.
func (s Stage) check(weight int) *Error {
	fail := func(class error, format string, args ...any) *Error {
		return &Error{Class: class, Stage: s.Name, Detail: fmt.Sprintf(format, args...)}
	}
	if len(s.Filters) == 0 {
		return fail(ErrInvalid, "the stage has no filter")
	}
	before := weight
	for i, f := range s.Filters {
		switch {
		case len(f) == 0:
			return fail(ErrInvalid, "filter %d of %d is empty", i+1, len(s.Filters))
		case len(f) > MaxInstructions:
			return fail(ErrTooLarge, "filter %d of %d has %d instructions, %d are the limit",
				i+1, len(s.Filters), len(f), MaxInstructions)
		}
		weight += Weight(f)
		if weight > MaxWeight {
			return fail(ErrTooLarge, "filter %d of %d makes %d instructions as the kernel counts them, of which the "+
				"stages before have %d, %d are the limit", i+1, len(s.Filters), weight, before, MaxWeight)
		}
		weight += WeightEach
	}
	return nil
}

// weigh gives what the filters of a stage leave on the account of the next.
func (s Stage) weigh() (n int) {
	for _, f := range s.Filters {
		n += Weight(f) + WeightEach
	}
	return n
}
