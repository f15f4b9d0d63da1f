package dialect

import (
	"slices"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Some architectures have sockets and System V's ipc behind one number too, socketcall and ipc, whose first argument
// says which call is meant. libseccomp, and so what container runtimes and systemd make of a policy, applies what is
// said of such a call there as well. What it said of the arguments is left out: a filter can't see them there.

// multiplexers are those numbers' names.
var multiplexers = [...]string{"socketcall", "ipc"}

// Joined returns a table in which socketcall and ipc may do what a call of its own may do whatever its arguments: the
// process can have no more done by that than before.
func Joined(t *policy.Table) *policy.Table {
	n := *t
	n.Calls = slices.Clone(t.Calls)
	for i := range n.Calls {
		d := &n.Calls[i]
		t.Arch.Multiplexed(d.Name, func(name string, sub uint64) {
			one, ok := t.Arch.Call(name)
			if !ok || t.Eval(d.Nr, [6]uint64{sub}).Action.Allows() {
				return
			}
			if c, ok := t.Find(one.Nr); ok && c.Clauses[0].If == policy.Const(true) && c.Clauses[0].Action.Allows() {
				joined := c.Clauses[0]
				joined.If = Comparison{Op: Eq, A: sub}.Cond()
				d.Clauses = append([]policy.Clause{joined}, d.Clauses...)
			}
		})
	}
	return &n
}

// Multiplexers compares what a text that was written says of socketcall and ipc with what was wanted. What it only
// refuses is a loss. What it allows too is reported to closed, which has to close it. loose gets both.
func (r *Report) Multiplexers(want, got *policy.Table, loose map[uint32]bool, closed func(name string)) {
	for _, name := range multiplexers {
		c, ok := want.Arch.Call(name)
		if !ok {
			continue
		}
		w, g := only(want, c.Nr), only(got, c.Nr)
		switch {
		case loose[c.Nr] && Prove(w, g, anyCall) == nil, Prove(w, g, nil) == nil:
		case Prove(w, g, anyCall) == nil:
			loose[c.Nr] = true
			r.Loss(rule.Pos{}, name+" makes calls that are refused here by another number, and libseccomp refuses them there too",
				"they are refused")
		default:
			loose[c.Nr] = true
			r.Close(name)
			closed(name)
		}
	}
}

// Close reports that one of the multiplexers is refused altogether.
func (r *Report) Close(name string) {
	r.Loss(rule.Pos{}, name+" makes calls that are limited here by another number, where libseccomp would allow them and "+
		"can't see their arguments", "all of "+name+" is refused")
}

func anyCall(uint32) bool { return true }

// only returns a table of one call.
func only(t *policy.Table, nr uint32) *policy.Table {
	n := *t
	n.Calls = nil
	if d, ok := t.Find(nr); ok {
		n.Calls = []policy.Decision{*d}
	}
	return &n
}
