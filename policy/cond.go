package policy

// A Cond is a condition over the six argument registers of a call: one of Const, Not, And, Or, Range, Masked, Symbol.
// It is never changed once made.
type Cond interface {
	// Holds evaluates the condition: this is the reference that compiled programs are compared with.
	// Symbols must have been resolved before.
	Holds(args *[6]uint64) bool
}

type (
	// Const holds always or never.
	Const bool
	// Not holds where X doesn't.
	Not struct{ X Cond }
	// And holds where all of it do.
	And []Cond
	// Or holds where any of it does.
	Or []Cond

	// Range holds where Lo ≤ argument ≤ Hi, unsigned, looking at the low Bits of the register only. A signed
	// comparison is one Range or two.
	Range struct {
		Arg    uint8 // 0 to 5
		Bits   uint8 // 16, 32, 64
		Lo, Hi uint64
	}
	// Masked holds where argument & Mask == Value, looking at the low Bits of the register only.
	Masked struct {
		Arg   uint8
		Bits  uint8
		Mask  uint64
		Value uint64
	}
	// Symbol holds where the argument is a value that only the process itself knows: self.pid. Package stage
	// puts a Range in its place, or Const(true) where it cannot bind.
	Symbol struct {
		Arg  uint8
		Bits uint8
		Name string
		Set  bool // it comes from a built-in set, and may be left open where it does not bind
	}
)

// Holds returns c.
func (c Const) Holds(*[6]uint64) bool { return bool(c) }

// Holds returns whether c.X does not hold.
func (c Not) Holds(args *[6]uint64) bool { return !c.X.Holds(args) }

// Holds returns whether all of c hold.
func (c And) Holds(args *[6]uint64) bool {
	for _, x := range c {
		if !x.Holds(args) {
			return false
		}
	}
	return true
}

// Holds returns whether any of c holds.
func (c Or) Holds(args *[6]uint64) bool {
	for _, x := range c {
		if x.Holds(args) {
			return true
		}
	}
	return false
}

// Holds compares the low c.Bits of the argument.
func (c Range) Holds(args *[6]uint64) bool {
	x := low(args[c.Arg], c.Bits)
	return c.Lo <= x && x <= c.Hi
}

// Holds compares the masked low c.Bits of the argument.
func (c Masked) Holds(args *[6]uint64) bool {
	return low(args[c.Arg], c.Bits)&c.Mask == c.Value
}

// Holds must not be called.
func (c Symbol) Holds(*[6]uint64) bool { panic("policy: " + c.Name + " was not resolved") }

func low(x uint64, bits uint8) uint64 { return x & (1<<bits - 1) }
