package proc

import (
	"errors"
	"slices"
)

// An InForce is a filter that is in force, as the kernel keeps it.
type InForce struct {
	Program []Instruction
	Log     bool // it was installed with SECCOMP_FILTER_FLAG_LOG; false also where the kernel doesn't say (before 4.16)
}

// A Stack is the filters of some threads that have the same.
type Stack struct {
	Tids    []int // ascending
	Filters []InForce
}

var (
	// ErrPrivilege: the kernel doesn't show filters to this process. The message says what it would take.
	ErrPrivilege = errors.New("filters are shown to privileged processes only")
	// ErrTraced: the thread can't be stopped to be looked at, since something else traces it.
	ErrTraced = errors.New("it is being traced")
	// ErrNotStopped: the thread did not stop in time, as one in an uninterruptible call.
	ErrNotStopped = errors.New("it did not stop")
)

// group sorts threads into stacks, in the order of their first threads.
func group(list []Stack) (out []Stack) {
	for _, x := range list {
		i := slices.IndexFunc(out, func(y Stack) bool { return slices.EqualFunc(x.Filters, y.Filters, sameFilter) })
		if i < 0 {
			out = append(out, x)
			continue
		}
		out[i].Tids = append(out[i].Tids, x.Tids...)
	}
	return out
}

func sameFilter(a, b InForce) bool { return a.Log == b.Log && slices.Equal(a.Program, b.Program) }

// Has tells whether programs are among the filters, one right behind the other.
func (s *Stack) Has(programs [][]Instruction) bool {
	for at := 0; at+len(programs) <= len(s.Filters); at++ {
		if slices.EqualFunc(s.Filters[at:at+len(programs)], programs, func(f InForce, p []Instruction) bool {
			return slices.Equal(f.Program, p)
		}) {
			return true
		}
	}
	return false
}
