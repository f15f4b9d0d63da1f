package rule

// An Expr is *Or, *And, *Not, *Paren, *Compare, *Bits, *In, or a lone *Number 0 or 1.
type Expr interface {
	Start() Pos
	expr()
}

type (
	// Or is `X || Y || …`, with at least two parts.
	Or struct {
		Pos
		X []Expr
	}
	// And is `X && Y && …`, with at least two parts.
	And struct {
		Pos
		X []Expr
	}
	// Not is `!X`.
	Not struct {
		Pos
		X Expr // in a parsed text a *Paren or a *Not
	}
	// Paren is `(X)`: kept, because the reader put it there.
	Paren struct {
		Pos
		X Expr
	}
	// Compare is `ARG OP VALUE` or `(ARG & MASK) OP VALUE`.
	Compare struct {
		Pos
		Arg  Name
		Mask Value // nil without one
		Op   Op
		X    Value
	}
	// Bits is `ARG & MASK`: true where any of the bits is set.
	Bits struct {
		Pos
		Arg  Name
		Mask Value
	}
	// In is `ARG in {A, B, C..D}` or `(ARG & MASK) in {…}`.
	In struct {
		Pos
		Arg  Name
		Mask Value   // nil without one
		List []Range // at least one
	}
)

func (*Or) expr()      {}
func (*And) expr()     {}
func (*Not) expr()     {}
func (*Paren) expr()   {}
func (*Compare) expr() {}
func (*Bits) expr()    {}
func (*In) expr()      {}
func (*Number) expr()  {}

// A Range is `A` or `A..B`, ends included.
type Range struct {
	Lo Value
	Hi Value // nil for a single value
}

// An Op compares.
type Op uint8

// The comparisons.
const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

func (op Op) String() string { return [...]string{"==", "!=", "<", "<=", ">", ">="}[op] }
