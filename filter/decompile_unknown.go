package filter

import (
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// A program of others may compute with arguments: add to them, compare one with another. What comes of that is no
// function that a diagram can hold, but the rest of the program is. So each such result is a variable of its own, of
// which nothing is known but that the same computation gives the same: what hangs on it is told apart from what
// doesn't.

// unknownVar is the first variable of unknown results: those of seccomp_data lie before it.
const unknownVar = policy.IPVar + 64

// lastVar is the last variable a diagram can have.
const lastVar = 1<<16 - 2

// retComputed stands for a returned value that hangs on more bits than can be told apart. It is no action the kernel
// knows ("default: … force_sig_seccomp" of __seccomp_filter: such a one kills the process).
const retComputed = 0x8001c0de

// maxReturnBits is how many bits of a returned value may hang on the input: each more doubles the results.
const maxReturnBits = 8

// A source is where an unknown result comes from.
type source struct {
	at   int // the instruction that was met first
	op   uint16
	a, b reg
}

// unknowns are the results of one program that are not known.
type unknowns struct {
	next int
	of   map[source]uint16
	at   map[uint16]int // the instruction behind each variable
}

// newUnknowns returns unknowns whose variables begin at next.
func newUnknowns(next int) *unknowns {
	return &unknowns{next: next, of: make(map[source]uint16), at: make(map[uint16]int)}
}

// variables returns the first of n variables that stand for a result.
func (u *unknowns) variables(s source, n int) (first uint16, err error) {
	at := s.at
	s.at = 0 // the same computation elsewhere has the same result
	if v, ok := u.of[s]; ok {
		return v, nil
	}
	if u.next+n > lastVar {
		return 0, &UndecidedError{At: at, Insn: bpf.Instruction{Op: s.op}, Cause: bdd.ErrTooComplex}
	}
	first = uint16(u.next)
	u.next += n
	u.of[s] = first
	for i := range uint16(n) {
		u.at[first+i] = at
	}
	return first, nil
}

// truth returns a comparison whose result is not known.
func (u *unknowns) truth(d *policy.Decider, s source) (bdd.Node, error) {
	v, err := u.variables(s, 1)
	if err != nil {
		return bdd.False, err
	}
	return d.Var(v), nil
}

// entangled tells whether comparing a with b would compare many bits of the input with each other: a diagram asks one
// word before the other, and would have to remember all of the first.
func (u *unknowns) entangled(a, b *reg) bool {
	pairs := 0
	for i := range a {
		if !a[i].known() && !b[i].known() && a[i]|1 != b[i]|1 {
			pairs++
		}
	}
	return pairs > 4
}

// returnable tells whether a returned register has few enough results.
func (u *unknowns) returnable(r *reg) bool {
	n := 0
	for _, b := range r {
		if !b.known() {
			n++
		}
	}
	return n <= maxReturnBits
}

// guess goes on with an unknown result of an ALU operation.
func (e *executor) guess(s state, from source) (bdd.Node, error) {
	v, err := e.unknown.variables(from, 32)
	if err != nil {
		return bdd.False, err
	}
	s.a = e.reg(variables(v))
	n, err := e.run(s)
	if err != nil || from.op != bpf.Div {
		return n, err
	}
	return e.d.If(e.test(bpf.JumpEq, from.b, constant(0)), e.d.Leaf(0), n), nil // by 0 the kernel returns 0
}
