package lock

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/bpf"
)

// The kernel's limits (include/uapi/linux/bpf_common.h, kernel/seccomp.c).
const (
	MaxInstructions = 4096  // BPF_MAXINSNS: instructions of one filter
	MaxWeight       = 32768 // MAX_INSNS_PER_PATH: all filters of a thread together, see Weight

	// WeightEach is what each filter in force adds to its own weight when a further one is installed:
	// "4 instruction penalty" (kernel/seccomp.c, seccomp_attach_filter).
	WeightEach = 4
)

// Weight tells how many instructions a filter counts for against MaxWeight: more than its length (see bpf.Weight).
func Weight(filter []Instruction) int {
	n := bpf.PrologueWeight
	for _, ins := range filter {
		n += bpf.Instruction{Op: ins.Code, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}.Weight()
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
