package policy

import (
	"sort"

	"github.com/stagelock/seccomp/internal/kernel"
)

// A Table says what happens to every system call there can be: it is what one filter does, or what a stack of them
// amounts to. It is total: what Calls does not list gets Rest, Foreign or Other, and what enters through an architecture
// other than Arch (a 32-bit entry from a 64-bit process) is killed.
type Table struct {
	Arch    *kernel.Arch
	Calls   []Decision // by ascending Nr, each once
	Rest    Clause     // for the calls of Arch that are not among them; without If they get Other
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
	*Source       // never nil
	Line    int32 // 0: no line of a text, but this library's own doing
	Col     int32
	Why     string // the comment on the rule, as a reason
}

// A Source is what the origins of one stage or set in one file share, and so it must not be changed.
type Source struct {
	Kind  OriginKind
	Stage string // the stage it was said in, if any
	Set   string // of FromSet and FromFloor: the leaf that holds the rule
	File  string
}

// Same tells whether o and other say the same.
func (o *Origin) Same(other *Origin) bool {
	return *o.Source == *other.Source && o.pos() == other.pos() && o.Why == other.Why
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
	if d := t.listed(nr); d != nil {
		return d, true
	}
	if t.Rest.If != nil {
		if c, ok := t.Arch.CallNr(nr); ok {
			return &Decision{Nr: nr, Name: c.Name, Clauses: []Clause{t.Rest}}, true
		}
	}
	return nil, false
}

// Clauses returns the clauses of which the first that holds decides about a number, whatever it is.
func (t *Table) Clauses(nr uint32) []Clause {
	if d := t.listed(nr); d != nil {
		return d.Clauses
	}
	return []Clause{*t.unlisted(nr)}
}

// listed returns the decision among Calls on a number, nil if there is none.
func (t *Table) listed(nr uint32) *Decision {
	i := sort.Search(len(t.Calls), func(i int) bool { return t.Calls[i].Nr >= nr })
	if i == len(t.Calls) || t.Calls[i].Nr != nr {
		return nil
	}
	return &t.Calls[i]
}

// Whole returns the same table with every call listed that gets Rest, for those who look at all there are.
func (t *Table) Whole() *Table {
	if t.Rest.If == nil {
		return t
	}
	whole := *t
	whole.Calls = make([]Decision, 0, max(t.Arch.Len(), len(t.Calls)))
	whole.Rest = Clause{}
	rest, left := []Clause{t.Rest}, t.Calls
	for i := range t.Arch.Len() {
		nr, name := t.Arch.NameAt(i)
		for len(left) > 0 && left[0].Nr < nr {
			whole.Calls, left = append(whole.Calls, left[0]), left[1:]
		}
		if len(left) == 0 || left[0].Nr != nr {
			whole.Calls = append(whole.Calls, Decision{nr, name, rest})
		}
	}
	whole.Calls = append(whole.Calls, left...)
	return &whole
}

// Eval returns the clause that decides a call made through the table's own ABI.
func (t *Table) Eval(nr uint32, args [6]uint64) *Clause {
	d := t.listed(nr)
	if d == nil {
		return t.unlisted(nr)
	}
	for i := range d.Clauses {
		if d.Clauses[i].If.Holds(&args) {
			return &d.Clauses[i]
		}
	}
	panic("policy: decision without an end")
}

// unlisted returns the clause for a number that is not among Calls.
func (t *Table) unlisted(nr uint32) *Clause {
	if t.Arch.Foreign(nr) {
		return &t.Foreign
	}
	if t.Rest.If != nil {
		if _, known := t.Arch.Index(nr); known {
			return &t.Rest
		}
	}
	return &t.Other
}
