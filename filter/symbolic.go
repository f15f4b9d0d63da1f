package filter

import (
	"errors"
	"fmt"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// ErrUndecided is what an UndecidedError matches.
var ErrUndecided = errors.New("the program does what cannot be decided")

// An UndecidedError says which instruction computes with bits that are not known: an addition, a shift by an
// argument. No compiler of filters makes such programs.
type UndecidedError struct {
	At    int
	Insn  bpf.Instruction
	Cause error // bdd.ErrTooComplex, or nil
}

func (e *UndecidedError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("filter: the program is %v", e.Cause)
	}
	return fmt.Sprintf("filter: instruction %d, %v, computes with arguments: what it gives cannot be decided", e.At, e.Insn)
}

// Is reports that every UndecidedError is an ErrUndecided.
func (e *UndecidedError) Is(target error) bool { return target == ErrUndecided }

// Unwrap returns the cause.
func (e *UndecidedError) Unwrap() error { return e.Cause }

// A bit is what is known of a bit of a register: 0, 1, or a variable of the diagram, itself or negated.
// A variable v is 2+2v, its negation one more.
type bit uint32

func (b bit) not() bit { return b ^ 1 }

func (b bit) known() bool { return b < 2 }

// A reg is what is known of a register, most significant bit first.
type reg [32]bit

func constant(x uint32) (r reg) {
	for i := range r {
		r[i] = bit(x >> (31 - i) & 1)
	}
	return r
}

// variables returns the word whose most significant bit is variable v.
func variables(v uint16) (r reg) {
	for i := range r {
		r[i] = 2 + 2*bit(int(v)+i)
	}
	return r
}

// value returns the number that the register is known to hold.
func (r *reg) value() (x uint32, ok bool) {
	for _, b := range r {
		if !b.known() {
			return 0, false
		}
		x = x<<1 | uint32(b)
	}
	return x, true
}

// A state is the content of the machine, registers by their index in executor.regs; index 0 is the number 0.
type state struct {
	pc   int32
	a, x int32
	mem  [16]int32
}

// An executor runs a program on all inputs at once: what an instruction leads to is a function of the input, a node of
// the diagram. The bits of registers are constants or bits of the input, so loads, AND, OR, XOR and shifts with
// constants stay exact, and a jump's condition is a diagram. What an instruction leads to from the same state is
// computed once, which keeps the work near the program's size: programs only jump forward.
type executor struct {
	d       *policy.Decider
	prog    []bpf.Instruction
	big     bool // byte order
	narrow  bool // registers of 32 bits: the high word of an argument is 0
	regs    []reg
	index   map[reg]int32
	results map[state]bdd.Node
	unknown *unknowns // what can't be decided becomes a variable; nil: it is an error
}

// maxStates bounds what a program is followed into. Its own instructions come to few states each; one made to have
// many (counting in a register what it has seen) is too complex.
const maxStates = 1 << 18

// Effect returns the function from struct seccomp_data to the return value that decides, where the kernel asks all the
// programs, the oldest first: "All filters in the list are evaluated and the lowest BPF return value always takes
// priority (ignoring the DATA)", the newest of equals (seccomp_run_filters of kernel/seccomp.c). With none, all is
// allowed. The programs are for one architecture.
//
// The errors are those of bpf.Check and *UndecidedError.
func Effect(d *policy.Decider, progs ...*Program) (bdd.Node, error) {
	n := d.Leaf(policy.Action{Kind: policy.Allow}.Ret())
	for _, p := range progs {
		f, err := effect(d, p)
		if err != nil {
			return bdd.False, err
		}
		n = d.Combine(n, f, Stricter)
		if err := d.Err(); err != nil {
			return bdd.False, &UndecidedError{Cause: err}
		}
	}
	return n, nil
}

// actionFull is SECCOMP_RET_ACTION_FULL: the part of a return value that is the action.
const actionFull = 0xffff0000

// Stricter returns the return value that the kernel heeds where an older filter returns one and a newer one the other.
// The kernel compares "(s32)((ret) & (SECCOMP_RET_ACTION_FULL))", so that killing the process, the only one with the
// sign bit, comes first.
func Stricter(old, young uint32) uint32 {
	if int32(old&actionFull) < int32(young&actionFull) {
		return old
	}
	return young
}

func effect(d *policy.Decider, p *Program) (bdd.Node, error) { return effectWith(d, p, nil) }

func effectWith(d *policy.Decider, p *Program, unknown *unknowns) (bdd.Node, error) {
	if err := bpf.Check(p.Insns); err != nil {
		return bdd.False, err
	}
	e := executor{d: d, prog: p.Insns, big: p.Arch.BigEndian, narrow: p.Arch.Bits == 32,
		index: make(map[reg]int32), results: make(map[state]bdd.Node), unknown: unknown}
	e.reg(reg{})
	n, err := e.run(state{})
	if err == nil && d.Err() != nil {
		err = &UndecidedError{Cause: d.Err()}
	}
	return n, err
}

func (e *executor) reg(r reg) int32 {
	i, ok := e.index[r]
	if !ok {
		i = int32(len(e.regs))
		e.regs = append(e.regs, r)
		e.index[r] = i
	}
	return i
}

// run returns what the program leads to from a state.
func (e *executor) run(s state) (bdd.Node, error) {
	first := s
	n, ok := e.results[first]
	if ok {
		return n, nil
	}
	n, err := e.step(s)
	if err == nil {
		e.results[first] = n
	}
	return n, err
}

func (e *executor) step(s state) (bdd.Node, error) {
	if e.d.Err() != nil {
		return bdd.False, &UndecidedError{Cause: e.d.Err()}
	}
	if len(e.results) >= maxStates {
		return bdd.False, &UndecidedError{At: int(s.pc), Insn: e.prog[s.pc], Cause: bdd.ErrTooComplex}
	}
	i := e.prog[s.pc]
	at := int(s.pc)
	s.pc++
	operand := constant(i.K)
	if i.Op&0x08 != 0 {
		operand = e.regs[s.x]
	}
	switch i.Op {
	case bpf.LoadWord:
		s.a = e.reg(e.load(i.K))
	case bpf.LoadLen:
		s.a = e.reg(constant(bpf.DataSize))
	case bpf.LoadXLen:
		s.x = e.reg(constant(bpf.DataSize))
	case bpf.LoadImm:
		s.a = e.reg(constant(i.K))
	case bpf.LoadXImm:
		s.x = e.reg(constant(i.K))
	case bpf.LoadMem:
		s.a = s.mem[i.K]
	case bpf.LoadXMem:
		s.x = s.mem[i.K]
	case bpf.Store:
		s.mem[i.K] = s.a
	case bpf.StoreX:
		s.mem[i.K] = s.x
	case bpf.CopyAToX:
		s.x = s.a
	case bpf.CopyXToA:
		s.a = s.x
	case bpf.Return:
		return e.d.Leaf(i.K), nil
	case bpf.ReturnA:
		if e.unknown != nil && !e.unknown.returnable(&e.regs[s.a]) {
			return e.d.Leaf(retComputed), nil
		}
		return e.returned(e.regs[s.a]), nil
	case bpf.Jump:
		s.pc += int32(i.K)
	case bpf.JumpEq, bpf.JumpEqX, bpf.JumpGt, bpf.JumpGtX, bpf.JumpGe, bpf.JumpGeX, bpf.JumpSet, bpf.JumpSetX:
		op := i.Op &^ 0x08
		if e.unknown != nil && e.unknown.entangled(&e.regs[s.a], &operand) {
			condition, err := e.unknown.truth(e.d, source{at, op, e.regs[s.a], operand})
			if err != nil {
				return bdd.False, err
			}
			return e.branch(s, i, condition)
		}
		return e.branch(s, i, e.test(op, e.regs[s.a], operand))
	default:
		r, ok := compute(i.Op&^0x08, e.regs[s.a], operand)
		if !ok && e.unknown != nil {
			return e.guess(s, source{at, i.Op &^ 0x08, e.regs[s.a], operand})
		}
		if !ok {
			return bdd.False, &UndecidedError{At: at, Insn: i}
		}
		if x, zero := operand.value(); i.Op == bpf.DivX && zero && x == 0 {
			return e.d.Leaf(0), nil // as the kernel does
		}
		s.a = e.reg(r)
	}
	return e.run(s)
}

// load returns the word of seccomp_data at an offset.
func (e *executor) load(off uint32) reg {
	switch {
	case off == bpf.OffNr:
		return variables(policy.NrVar)
	case off == bpf.OffArch:
		return variables(policy.ArchVar)
	}
	base, rel := uint16(policy.IPVar), off-bpf.OffIP
	if off >= bpf.OffArgs {
		rel = off - bpf.OffArgs
		base = policy.ArgVar + uint16(rel/8*64)
	}
	high := (rel%8 == 0) == e.big
	switch {
	case !high:
		return variables(base + 32)
	case e.narrow:
		return constant(0)
	}
	return variables(base)
}

// branch joins the two ways on from a conditional jump.
func (e *executor) branch(s state, i bpf.Instruction, condition bdd.Node) (bdd.Node, error) {
	yes, no := s, s
	yes.pc += int32(i.Jt)
	no.pc += int32(i.Jf)
	if condition == bdd.True {
		return e.run(yes)
	}
	n, err := e.run(no)
	if err != nil || condition == bdd.False {
		return n, err
	}
	y, err := e.run(yes)
	if err != nil {
		return bdd.False, err
	}
	return e.d.If(condition, y, n), nil
}

// test returns the condition of a jump.
func (e *executor) test(op uint16, a, b reg) bdd.Node {
	n := bdd.False // of equal words: they are not greater, have no common bit; jeq and jge begin with the other
	if op == bpf.JumpEq || op == bpf.JumpGe {
		n = bdd.True
	}
	for i := len(a) - 1; i >= 0; i-- { // from the lowest bit on: a higher one overrides
		x, y := e.node(a[i]), e.node(b[i])
		switch op {
		case bpf.JumpSet:
			n = e.d.If(x, e.d.If(y, bdd.True, n), n)
		case bpf.JumpEq:
			n = e.d.If(x, e.d.If(y, n, bdd.False), e.d.If(y, bdd.False, n))
		default:
			n = e.d.If(x, e.d.If(y, n, bdd.True), e.d.If(y, bdd.False, n))
		}
	}
	return n
}

func (e *executor) node(b bit) bdd.Node {
	if b.known() {
		return bdd.Node(b)
	}
	n := e.d.Var(uint16(b/2 - 1))
	if b&1 == 1 {
		n = e.d.Not(n)
	}
	return n
}

// returned returns the function that a register is.
func (e *executor) returned(r reg) bdd.Node {
	n := e.d.Leaf(0)
	for i, b := range r {
		n = e.d.Combine(n, e.node(b), func(sum, bit uint32) uint32 { return sum | bit<<(31-i) })
	}
	return n
}

// compute returns what an ALU operation makes of a and b; ok is false where that isn't bits of the input.
func compute(op uint16, a, b reg) (r reg, ok bool) {
	x, xKnown := a.value()
	y, yKnown := b.value()
	switch op {
	case bpf.And, bpf.Or, bpf.Xor:
		for i := range r {
			if r[i], ok = bitwise(op, a[i], b[i]); !ok {
				return r, false
			}
		}
		return r, true
	case bpf.Lsh:
		if y &= 31; yKnown {
			copy(r[:], a[y:])
		}
		return r, yKnown
	case bpf.Rsh:
		if y &= 31; yKnown {
			copy(r[y:], a[:])
		}
		return r, yKnown
	case bpf.Neg:
		return constant(-x), xKnown
	}
	if !xKnown || !yKnown {
		return r, false
	}
	switch op {
	case bpf.Add:
		return constant(x + y), true
	case bpf.Sub:
		return constant(x - y), true
	case bpf.Mul:
		return constant(x * y), true
	case bpf.Div:
		if y == 0 {
			return r, true // the caller knows what the kernel does
		}
		return constant(x / y), true
	}
	panic(bug("operation %#x was let pass", op))
}

// bitwise computes on one bit. Two different bits of the input give no bit of the input.
func bitwise(op uint16, a, b bit) (bit, bool) {
	if b.known() {
		a, b = b, a
	}
	if !a.known() {
		switch {
		case a == b && op == bpf.Xor:
			return 0, true
		case a == b:
			return a, true
		case a == b.not() && op == bpf.And:
			return 0, true
		case a == b.not():
			return 1, true
		}
		return 0, false
	}
	switch op {
	case bpf.And:
		return b * a, true
	case bpf.Or:
		if a == 1 {
			return 1, true
		}
		return b, true
	}
	return b ^ a, true
}
