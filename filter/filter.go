// Package filter compiles a policy table into the classic BPF programs that seccomp runs, and proves compiled
// programs equal to their table. It is pure: nothing of the machine it runs on matters.
package filter

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// Limits of the kernel (kernel/seccomp.c).
const (
	// MaxInstructions is how long one program may be: BPF_MAXINSNS.
	MaxInstructions = bpf.MaxInstructions
	// MaxBudget is how many instructions the programs of a thread may have together, each counted with its Weight
	// and ProgramCost: MAX_INSNS_PER_PATH.
	MaxBudget = 1 << 18 / bpf.InstructionSize
	// ProgramCost is what each program is counted with on top of its Weight.
	ProgramCost = 4
)

// Options for Compile. The zero Options are what most want.
type Options struct {
	// Weight says how often a call is made compared with others; nil stands for what Go servers were seen to
	// make. Calls of greater weight have shorter paths.
	Weight func(nr uint32) float64
	// Budget is how many instructions there may be, each program counted with its Weight and ProgramCost on top. 0
	// is MaxBudget.
	Budget int
}

// A Program is one seccomp filter.
type Program struct {
	Arch  *kernel.Arch
	Table *policy.Table // what it was compiled from
	Insns []bpf.Instruction
	// The program decides about the numbers from First to Last, and allows all others: it is one of several
	// if these are not all numbers.
	First, Last uint32
}

// Weight tells how many instructions the kernel counts the program for, which are more than it has: it converts them
// first (see bpf.Weight).
func (p *Program) Weight() int { return bpf.Weight(p.Insns) }

// Raw returns the program as an array of struct sock_filter in the target's byte order.
func (p *Program) Raw() []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if p.Arch.BigEndian {
		order = binary.BigEndian
	}
	return bpf.Encode(make([]byte, 0, bpf.InstructionSize*len(p.Insns)), order, p.Insns)
}

// ErrTooLarge is what a SizeError matches.
var ErrTooLarge = errors.New("the filter is too large")

// A SizeError says that a table takes more instructions than there may be.
type SizeError struct {
	Call         string // a single call that takes more than one program holds; empty if it is all together
	Nr           uint32 // of Call
	Instructions int
	Weight       int // what the kernel counts them as, all together; of a single call it is 0
	Programs     int
	Limit        int
}

func (e *SizeError) Error() string {
	if e.Call != "" {
		return fmt.Sprintf("the filter is too large: the conditions of %s alone take %d instructions or more, "+
			"one program has at most %d: simplify them", e.Call, e.Instructions, e.Limit)
	}
	programs := "one program"
	if e.Programs != 1 {
		programs = fmt.Sprintf("%d programs", e.Programs)
	}
	return fmt.Sprintf("the filter is too large: %d instructions in %s, which the kernel counts as %d, are more than the "+
		"%d left: simplify conditions, or have fewer stages", e.Instructions, programs,
		e.Weight+ProgramCost*e.Programs, e.Limit)
}

// Is reports that every SizeError is an ErrTooLarge.
func (e *SizeError) Is(target error) bool { return target == ErrTooLarge }

// Compile returns the programs that together do what the table says: one, unless that would be longer than
// MaxInstructions. The order in which several are installed does not matter.
// The error is a *SizeError.
func Compile(t *policy.Table, o Options) ([]*Program, error) {
	budget := o.Budget
	if budget == 0 {
		budget = MaxBudget
	}
	progs, err := split(t, &o, budget)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, p := range progs {
		total += len(p.Insns)
	}
	if bpf.MostWeight*total+(bpf.PrologueWeight+ProgramCost)*len(progs) <= budget {
		return progs, nil // so it is with most, whatever their instructions are
	}
	weight := 0
	for _, p := range progs {
		weight += p.Weight()
	}
	if weight+ProgramCost*len(progs) > budget {
		return nil, &SizeError{Instructions: total, Weight: weight, Programs: len(progs), Limit: budget}
	}
	return progs, nil
}

func bug(format string, args ...any) string { return "filter: bug: " + fmt.Sprintf(format, args...) }
