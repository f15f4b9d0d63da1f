package policy

import (
	"sort"

	"github.com/stagelock/seccomp/internal/kernel"
)

// A Table says what happens to every system call there can be: it is what one filter does, or what a stack of them
// amounts to. It is total: what Calls does not list gets Foreign or Other, and what enters through an architecture
// other than Arch (a 32-bit entry from a 64-bit process) is killed.
type Table struct {
	Arch    *kernel.Arch
	Calls   []Decision // by ascending Nr, each once
	Foreign Clause     // for numbers of a foreign ABI that has the same architecture: see kernel.Arch.Foreign
	Other   Clause     // for the numbers that are neither
}

// A Decision is what happens to one call.
type Decision struct {
	Nr      uint32
	Name    string   // empty for a number that the tables don't have
	Clauses []Clause // the first whose If holds is it; the last one's is Const(true)
}

// A Clause is a condition, what happens where it holds, and who says so.
type Clause struct {
	If     Cond
	Action Action
	Origin *Origin
}

// An Origin tells where a verdict comes from.
type Origin struct {
	Kind  OriginKind
	Line  int32 // 0: no line of a text, but this library's own doing
	Col   int32
	Stage string // the stage it was said in, if any
	Set   string // of FromSet and FromFloor: the leaf that holds the rule
	File  string
	Why   string // the comment on the rule, as a reason
}

// An OriginKind is the kind of an Origin.
type OriginKind uint8

// The kinds of origins.
const (
	FromRule     OriginKind = iota // a rule of the policy
	FromSet                        // a rule of a set that is in force
	FromFloor                      // what the Go runtime needs at any moment
	FromFallback                   // the errno that makes Go or libc take the other way
	FromDeny                       // no rule and no set allows it: the stage's deny
	FromUnknown                    // a number that the tables don't have: ENOSYS
	FromForeign                    // another ABI's entry: killed
	FromBefore                     // a later stage's filter has nothing to say: an earlier one's decides
)

// Find returns the decision on a number, ok being false where Foreign or Other is it.
func (t *Table) Find(nr uint32) (d *Decision, ok bool) {
	i := sort.Search(len(t.Calls), func(i int) bool { return t.Calls[i].Nr >= nr })
	if i == len(t.Calls) || t.Calls[i].Nr != nr {
		return nil, false
	}
	return &t.Calls[i], true
}

// Eval returns the clause that decides a call made through the table's own ABI.
func (t *Table) Eval(nr uint32, args [6]uint64) *Clause {
	d, ok := t.Find(nr)
	if !ok {
		if t.Arch.Foreign(nr) {
			return &t.Foreign
		}
		return &t.Other
	}
	for i := range d.Clauses {
		if d.Clauses[i].If.Holds(&args) {
			return &d.Clauses[i]
		}
	}
	panic("policy: decision without an end")
}
