package filter

import (
	"errors"
	"fmt"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// ErrMismatch is what a Mismatch matches.
var ErrMismatch = errors.New("the program does not do what the policy says")

// A Mismatch is an input for which programs do other than their table says.
type Mismatch struct {
	Arch  *kernel.Arch
	Call  string // the name of the call that Input makes, empty if the table has none
	Input policy.Input
	Want  uint32 // what the table says, as a return value
	Got   uint32 // what the programs return
}

func (e *Mismatch) Error() string {
	name := e.Call
	if name == "" {
		name = "a call"
	}
	return fmt.Sprintf("filter: %s (%v) on %s must give %s, the program gives %s",
		name, e.Input, e.Arch.Name, retString(e.Want, e.Arch), retString(e.Got, e.Arch))
}

// Is reports that every Mismatch is an ErrMismatch.
func (e *Mismatch) Is(target error) bool { return target == ErrMismatch }

// retString names a return value, with the errnos of an architecture.
func retString(ret uint32, arch *kernel.Arch) string {
	if a, ok := policy.ActionOf(ret); ok {
		return a.Text(arch)
	}
	return fmt.Sprintf("the return value %#x", ret)
}

// verifyLimit bounds the nodes of a proof: some seconds at worst. Programs of ours need a few thousand.
const verifyLimit = 1 << 22

// Verify proves that the programs together do what the table says, for every architecture word, number, instruction
// pointer and arguments there can be: both become decision diagrams, which are one and the same if the functions are.
//
// The error is a *Mismatch with an example, an *UndecidedError, or what the kernel would refuse about a program
// (bpf.ErrInvalid).
func Verify(t *policy.Table, progs ...*Program) error {
	d := policy.NewDecider(verifyLimit)
	got, err := Effect(d, progs...)
	if err != nil {
		return err
	}
	want := d.Table(t)
	if t.Arch.Bits == 32 {
		want = narrow(d, want)
	}
	if d.Err() != nil {
		return &UndecidedError{Cause: d.Err()}
	}
	if want == got {
		return nil
	}
	differs := d.Combine(want, got, func(a, b uint32) uint32 {
		if a != b {
			return 1
		}
		return 0
	})
	in, ok := d.Example(differs, func(x uint32) bool { return x == 1 })
	if d.Err() != nil || !ok {
		return &UndecidedError{Cause: d.Err()}
	}
	m := &Mismatch{Arch: t.Arch, Input: in, Want: d.Result(want, &in), Got: d.Result(got, &in)}
	if c, ok := t.Find(in.Nr); ok && in.Arch == t.Arch.Audit {
		m.Call = c.Name
	}
	return m
}

// narrow returns the function that n is where the high words of all arguments are 0.
func narrow(d *policy.Decider, n bdd.Node) bdd.Node {
	done := make(map[bdd.Node]bdd.Node)
	var walk func(bdd.Node) bdd.Node
	walk = func(n bdd.Node) bdd.Node {
		if _, leaf := d.Value(n); leaf {
			return n
		}
		if m, ok := done[n]; ok {
			return m
		}
		v, lo, hi := d.Branch(n)
		m := walk(lo)
		if high := v >= policy.ArgVar && v < policy.IPVar && (v-policy.ArgVar)%64 < 32; !high {
			m = d.If(d.Var(v), walk(hi), m)
		}
		done[n] = m
		return m
	}
	return walk(n)
}
