package policy

import (
	"fmt"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
)

// Where the parts of struct seccomp_data (<linux/seccomp.h>) lie among the variables of a Decider, each with its most
// significant bit first. The order is the one in which a filter asks: what decides most comes first.
const (
	ArchVar = 0             // seccomp_data.arch, 32 bits
	NrVar   = ArchVar + 32  // seccomp_data.nr, 32 bits
	ArgVar  = NrVar + 32    // seccomp_data.args, six times 64 bits: argument i begins at ArgVar + 64·i
	IPVar   = ArgVar + 6*64 // seccomp_data.instruction_pointer, 64 bits
	symVar  = IPVar + 64    // from here on one variable for each Symbol met
	maxSym  = 1<<16 - 2     // the last variable that a Diagram can have
	argVars = uint16(64)    // variables of one argument
	nrLast  = uint64(1)<<32 - 1
)

// A Decider turns conditions and tables into decision diagrams, in which equal meanings are equal Nodes.
//
// Its functions give no errors: as with the Diagram, ask Err when done, before trusting a Node. A Symbol that is
// still in a condition counts as a variable of its own: what is decided then holds whatever its value.
type Decider struct {
	*bdd.Diagram
	symbols map[Symbol]uint16
}

// An Input is what a filter is run on, struct seccomp_data.
type Input struct {
	Arch uint32 // AUDIT_ARCH_*
	Nr   uint32
	IP   uint64 // the address the call was made from
	Args [6]uint64
}

// String returns in as a person would write down a call: nr 41, args 0x2 0x1 0 0 0 0.
func (in Input) String() string {
	var s strings.Builder
	s.WriteString(fmt.Sprintf("arch %#x, nr %d, args", in.Arch, int32(in.Nr)))
	for _, a := range in.Args {
		s.WriteString(fmt.Sprintf(" %#x", a))
	}
	return s.String()
}

// NewDecider returns a Decider whose Diagram makes at most limit nodes; a node takes some 100 bytes and, at worst,
// about a microsecond.
func NewDecider(limit int) *Decider {
	return &Decider{Diagram: bdd.New(limit), symbols: make(map[Symbol]uint16)}
}

// Cond returns the condition c, over the arguments.
func (d *Decider) Cond(c Cond) bdd.Node {
	switch c := c.(type) {
	case Const:
		if c {
			return bdd.True
		}
		return bdd.False
	case Not:
		return d.Not(d.Cond(c.X))
	case And:
		n := bdd.True
		for i := len(c) - 1; i >= 0 && n != bdd.False && d.Err() == nil; i-- {
			n = d.And(d.Cond(c[i]), n)
		}
		return n
	case Or:
		n := bdd.False
		for i := len(c) - 1; i >= 0 && n != bdd.True && d.Err() == nil; i-- {
			n = d.Or(d.Cond(c[i]), n)
		}
		return n
	case Range:
		top := widest(c.Bits)
		if c.Lo > min(c.Hi, top) {
			return bdd.False
		}
		return d.Between(wordVar(c.Arg, c.Bits), int(c.Bits), c.Lo, min(c.Hi, top))
	case Masked:
		mask := c.Mask & widest(c.Bits)
		if c.Value&^mask != 0 {
			return bdd.False
		}
		return d.Masked(wordVar(c.Arg, c.Bits), int(c.Bits), mask, c.Value)
	case Symbol:
		return d.symbol(c)
	}
	panic(bug("a condition of type %T", c))
}

// Clauses returns the function whose results are the filter's return values (Action.Ret) for clauses, of which the
// first that holds is it. Where none holds, which a Decision never leaves open, the result is that of Kill.
func (d *Decider) Clauses(clauses []Clause) bdd.Node {
	n := d.Leaf(Action{}.Ret())
	for i := len(clauses) - 1; i >= 0; i-- {
		n = d.If(d.Cond(clauses[i].If), d.Leaf(clauses[i].Action.Ret()), n)
	}
	return n
}

// Table returns the function that t is, over the architecture, the number and the arguments.
func (d *Decider) Table(t *Table) bdd.Node {
	n := d.Clauses([]Clause{t.Other})
	if t.Arch.X32 { // kernel.Arch.Foreign
		x32 := d.Between(NrVar, 32, 1<<30, nrLast-1)
		n = d.If(x32, d.Clauses([]Clause{t.Foreign}), n)
	}
	calls := t.Whole().Calls
	for i := range calls {
		call := &calls[i]
		n = d.If(d.Nr(call.Nr), d.Clauses(call.Clauses), n)
	}
	native := d.Masked(ArchVar, 32, 1<<32-1, uint64(t.Arch.Audit))
	return d.If(native, n, d.Leaf(Action{}.Ret()))
}

// Nr returns the condition that the call's number is nr.
func (d *Decider) Nr(nr uint32) bdd.Node { return d.Masked(NrVar, 32, 1<<32-1, uint64(nr)) }

// Example returns an input for which n has a result that want accepts; ok is false if there is none. Of what n
// does not look at, all is 0.
func (d *Decider) Example(n bdd.Node, want func(uint32) bool) (in Input, ok bool) {
	ones, ok := d.Find(n, want)
	for _, v := range ones {
		in.set(v)
	}
	return in, ok
}

// Result returns what n is for an input.
func (d *Decider) Result(n bdd.Node, in *Input) uint32 { return d.Eval(n, in.bit) }

// set makes the bit behind variable v 1.
func (in *Input) set(v uint16) {
	switch {
	case v < NrVar:
		in.Arch |= 1 << (NrVar - 1 - v)
	case v < ArgVar:
		in.Nr |= 1 << (ArgVar - 1 - v)
	case v < IPVar:
		i := (v - ArgVar) / argVars
		in.Args[i] |= 1 << (argVars - 1 - (v-ArgVar)%argVars)
	case v < symVar:
		in.IP |= 1 << (symVar - 1 - v)
	}
}

// bit tells whether the bit behind variable v is 1.
func (in *Input) bit(v uint16) bool {
	switch {
	case v < NrVar:
		return in.Arch>>(NrVar-1-v)&1 == 1
	case v < ArgVar:
		return in.Nr>>(ArgVar-1-v)&1 == 1
	case v < IPVar:
		i := (v - ArgVar) / argVars
		return in.Args[i]>>(argVars-1-(v-ArgVar)%argVars)&1 == 1
	case v < symVar:
		return in.IP>>(symVar-1-v)&1 == 1
	}
	return false
}

func (d *Decider) symbol(c Symbol) bdd.Node {
	c.Set = false // who says it makes no difference
	v, ok := d.symbols[c]
	if !ok {
		if v = symVar + uint16(len(d.symbols)); v > maxSym {
			panic(bug("too many symbols"))
		}
		d.symbols[c] = v
	}
	return d.Var(v)
}

// wordVar returns the first variable of the low bits of an argument.
func wordVar(arg, bits uint8) uint16 { return ArgVar + argVars*uint16(arg) + argVars - uint16(bits) }

// widest returns the largest number of so many bits.
func widest(bits uint8) uint64 { return 1<<bits - 1 }

// bug says what cannot happen.
//
//go:noinline
func bug(format string, args ...any) string { return "policy: bug: " + fmt.Sprintf(format, args...) }

// A Truth says when a condition holds.
type Truth uint8

// The truths.
const (
	Sometimes Truth = iota
	Never
	Always
)

// decideLimit bounds the nodes that one condition may take: some 30 ms.
const decideLimit = 1 << 16

// TruthOf tells whether c holds for all arguments, for none or for some. The error is bdd.ErrTooComplex.
func TruthOf(c Cond) (Truth, error) {
	budget := decideLimit
	return truthWithin(c, &budget)
}

// truthWithin is TruthOf with so many nodes at most, from which it takes away those that it needed.
func truthWithin(c Cond, budget *int) (Truth, error) {
	switch c := c.(type) {
	case Const:
		if c {
			return Always, nil
		}
		return Never, nil
	case Symbol:
		return Sometimes, nil
	}
	if sometimes(c) {
		return Sometimes, nil
	}
	d := NewDecider(min(decideLimit, *budget))
	n := d.Cond(c)
	*budget -= d.Size()
	switch {
	case d.Err() != nil:
		return Sometimes, d.Err()
	case n == bdd.True:
		return Always, nil
	case n == bdd.False:
		return Never, nil
	}
	return Sometimes, nil
}
