package dialect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// Other dialects compare all 64 bits of an argument, also where the kernel reads fewer; the policy language compares
// what the kernel reads. So what goes into the language is narrowed: a comparison with a number becomes one of the
// argument that a caller passes as that number, zero-extended or, where it is signed, sign-extended. What is allowed
// then is no more than what the source allows a caller to have the kernel do.

// narrowed returns what a table says in the widths of the kernel. notes gets the calls whose conditions changed.
func narrowed(t *policy.Table, r *Report) (*policy.Table, []string) {
	n := *t
	n.Calls = slices.Clone(t.Calls)
	var changed []string
	for i := range n.Calls {
		call, ok := t.Arch.CallNr(n.Calls[i].Nr)
		if !ok {
			continue
		}
		clauses, differ := narrowCall(t.Arch, &n.Calls[i], call, r)
		n.Calls[i].Clauses = clauses
		if differ {
			changed = append(changed, call.Name)
		}
	}
	return &n, changed
}

// narrowCall returns the decision on a call in the widths of the kernel. differ tells that it is another for arguments
// that have bits which the kernel ignores.
func narrowCall(arch *kernel.Arch, d *policy.Decision, call kernel.Call, r *Report) (narrow []policy.Clause, differ bool) {
	w := narrower{arch: arch, call: call}
	if call.Known() {
		w.args = call.Args()
	}
	clauses := slices.Clone(d.Clauses)
	var lost bool
	for i := range clauses {
		c := &clauses[i]
		w.reason = ""
		narrow := w.cond(c.If, c.Action.Allows())
		if w.reason != "" {
			lost = true
			refused := "this condition holds never"
			if !c.Action.Allows() {
				refused = "it holds always"
			}
			r.LossOf(c.Origin, fmt.Sprintf("%s: %s", call.Name, w.reason), refused)
		}
		c.If = narrow
	}
	if !w.changed {
		return d.Clauses, false
	}
	decider := policy.NewDecider(proofLimit)
	if !reachable(decider, d.Clauses, clauses, w.ignored) {
		r.LossOf(d.Clauses[0].Origin, call.Name+": it tells values apart that are the same to the kernel",
			"the call is refused")
		return []policy.Clause{Always(refusalOf(d), d.Clauses[0].Origin)}, false
	}
	return clauses, !lost && decider.Clauses(d.Clauses) != decider.Clauses(clauses)
}

// refusalOf returns what the decision refuses with, EPERM where it doesn't.
func refusalOf(d *policy.Decision) policy.Action {
	for _, c := range d.Clauses {
		if !c.Action.Allows() {
			return c.Action
		}
	}
	return policy.Action{Kind: policy.Errno, Errno: 1}
}

type narrower struct {
	arch    *kernel.Arch
	call    kernel.Call
	args    []kernel.Arg
	reason  string // why a condition can't be said
	changed bool
}

// ignored tells whether the kernel ignores the bit of the arguments behind a variable.
func (w *narrower) ignored(v uint16) bool {
	if v < policy.ArgVar || v >= policy.IPVar {
		return false
	}
	arg, bit := int(v-policy.ArgVar)/64, 63-(v-policy.ArgVar)%64
	return arg < len(w.args) && bit >= uint16(w.args[arg].Type.Bits)
}

// cond narrows c. Where a part can't be said, more of the call is refused: the part counts as false where want is set,
// and as true where it isn't.
func (w *narrower) cond(c policy.Cond, want bool) policy.Cond {
	switch c := c.(type) {
	case policy.Not:
		return policy.Not{X: w.cond(c.X, !want)}
	case policy.And:
		return policy.And(w.all(c, want))
	case policy.Or:
		return policy.Or(w.all(c, want))
	case policy.Range:
		return w.part(c, c.Arg, c.Bits, want, func(a kernel.Type) policy.Cond { return narrowRange(c, a) })
	case policy.Masked:
		return w.part(c, c.Arg, c.Bits, want, func(a kernel.Type) policy.Cond { return narrowMasked(c, a) })
	}
	return c
}

func (w *narrower) all(list []policy.Cond, want bool) []policy.Cond {
	out := make([]policy.Cond, len(list))
	for i, c := range list {
		out[i] = w.cond(c, want)
	}
	return out
}

// part narrows one comparison.
func (w *narrower) part(c policy.Cond, arg, bits uint8, want bool, narrow func(kernel.Type) policy.Cond) policy.Cond {
	if truth, _ := policy.TruthOf(c); truth != policy.Sometimes {
		return policy.Const(truth == policy.Always)
	}
	if !w.call.Known() {
		return c
	}
	fail := func(format string, args ...any) policy.Cond {
		w.reason, w.changed = fmt.Sprintf(format, args...), true
		return policy.Const(!want)
	}
	if int(arg) >= len(w.args) {
		return fail("the call has no argument %d", arg)
	}
	a := w.args[arg]
	narrowed := c
	if bits > a.Type.Bits {
		w.changed = true
		narrowed = narrow(a.Type)
	}
	if a.Type.Pointer {
		if _, err := policy.Express(narrowed, &w.call, w.arch); errors.Is(err, policy.ErrInexpressible) {
			return fail("%s is a pointer: a filter can't see what it points to", a.Name)
		}
	}
	return narrowed
}

// narrowRange returns where a value of a type, extended to the width of r, can lie in r.
func narrowRange(r policy.Range, t kernel.Type) policy.Cond {
	last := ones(t.Bits)
	part := func(lo, hi uint64) policy.Cond { return policy.Range{Arg: r.Arg, Bits: t.Bits, Lo: lo, Hi: hi} }
	var or policy.Or
	if r.Lo <= last { // zero-extended
		or = append(or, part(r.Lo, min(r.Hi, last)))
	}
	if negative := ones(r.Bits) &^ (last >> 1); t.Signed && r.Hi >= negative { // sign-extended
		or = append(or, part(max(r.Lo, negative)&last, r.Hi&last))
	}
	switch len(or) {
	case 0:
		return policy.Const(false)
	case 1:
		return or[0]
	}
	return or
}

// narrowMasked returns where a value of a type, extended to the width of m, has m's bits.
func narrowMasked(m policy.Masked, t kernel.Type) policy.Cond {
	last := ones(t.Bits)
	low := policy.Masked{Arg: m.Arg, Bits: t.Bits, Mask: m.Mask & last, Value: m.Value & last}
	var c policy.Cond = low
	if low.Mask == 0 {
		c = policy.Const(true)
	}
	high := m.Mask &^ last
	switch {
	case high == 0:
		return c
	case m.Value&^last == 0:
		return c
	case t.Signed && m.Value&^last == high:
		sign := last &^ (last >> 1)
		return policy.And{c, policy.Masked{Arg: m.Arg, Bits: t.Bits, Mask: sign, Value: sign}}
	}
	return policy.Const(false)
}
