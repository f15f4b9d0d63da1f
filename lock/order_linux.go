package lock

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
)

// order gives the filters of a stage in an order in which they can be installed: after the first, each must get past
// those before it, so the one that refuses seccomp, as a last stage's does, has to come last. All others keep their
// places.
func (s Stage) order() ([][]Instruction, *Error) {
	if len(s.Filters) < 2 {
		return s.Filters, nil
	}
	ordered := make([][]Instruction, 0, len(s.Filters))
	last := -1
	for i, f := range s.Filters {
		switch {
		case !refusesSeccomp(f):
			ordered = append(ordered, f)
		case last >= 0:
			return nil, &Error{Class: ErrInvalid, Stage: s.Name,
				Detail: fmt.Sprintf("filters %d and %d of %d both refuse seccomp, so neither can follow the other",
					last+1, i+1, len(s.Filters))}
		default:
			last = i
		}
	}
	if last >= 0 {
		ordered = append(ordered, s.Filters[last])
	}
	return ordered, nil
}

// refusesSeccomp tells whether a further filter could not be installed under f, by running f on the calls that would
// install it. The kernel is the judge of an invalid program, so here it refuses nothing.
func refusesSeccomp(f []Instruction) bool {
	prog := make([]bpf.Instruction, len(f))
	for i, ins := range f {
		prog[i] = bpf.Instruction{Op: ins.Code, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	machine, err := bpf.NewMachine(prog)
	if err != nil {
		return false
	}
	native := kernel.Native()
	for _, flags := range []uint64{0, unix.SECCOMP_FILTER_FLAG_TSYNC} {
		// The third argument is an address, of which a filter can only ask whether it is 0.
		answer, _ := machine.Run(&bpf.Data{Nr: unix.SYS_SECCOMP, Arch: native.Audit, BigEndian: native.BigEndian,
			Args: [6]uint64{unix.SECCOMP_SET_MODE_FILTER, flags, 1 << 20}})
		switch answer & unix.SECCOMP_RET_ACTION_FULL {
		case unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_LOG:
		default:
			return true
		}
	}
	return false
}
