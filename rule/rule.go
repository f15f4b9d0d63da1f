// Package rule is the policy language as text: it turns a policy file into a tree with positions, and a tree back
// into text. It knows the grammar (docs/language.md) and nothing of what the names mean: that is package policy's.
package rule

import "fmt"

// A Pos is a place in a policy text.
type Pos struct {
	Line int // from 1
	Col  int // from 1, in bytes
}

func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// A File is a whole policy text.
type File struct {
	Name     string // for messages, as given to Parse
	Stmts    []Stmt
	Trailing []string // the comments after the last statement
}

// A Stmt is one statement: *Deny, *Stage, *Use, *Drop, *Only, *Set, *Rule.
type Stmt interface {
	Start() Pos
	Notes() *Comments
}

// Comments are what a person wrote around a statement, without the #, and without the blank behind it.
type Comments struct {
	Blank  bool     // an empty line stands before it (or before its first comment)
	Before []string // whole lines above the statement; an empty string is an empty line between comments
	After  string   // at the end of its line; in a set of the runtime, the reason
}

// Deny is `deny ACTION`: what a refused call gets.
type Deny struct {
	Pos
	Comments
	Action Action
}

// Stage is `stage NAME`; the statements up to the next one belong to it.
type Stage struct {
	Pos
	Comments
	Name Name
}

// Use is `use NAME, …`, Drop is `drop NAME, …`, Only is `only NAME, …`.
type (
	Use struct {
		Pos
		Comments
		Sets []Name
	}
	Drop struct {
		Pos
		Comments
		Sets []Name
	}
	Only struct {
		Pos
		Comments
		Sets []Name
	}
)

// Set is `set NAME { … }`. The body holds Use and Rule only.
type Set struct {
	Pos
	Comments
	Name     Name
	Body     []Stmt
	Trailing []string // the comments before the closing brace
	End      Pos      // of the closing brace
}

// Rule is `sys_NAME: VERDICT {else ACTION [if EXPR]} [including go]`. `on_next_syscall: 1` is a Rule too, with that
// Call name.
type Rule struct {
	Pos
	Comments
	Call        Call
	Verdict     Expr // a *Number 1 or 0 is the plain verdict
	Else        []Else
	IncludingGo bool
	GoPos       Pos // of `including`
}

// A Call names a system call, by name or as nr(N).
type Call struct {
	Pos
	Name string // as written, without sys_; empty where Nr says it
	Nr   *Number
}

// An Else is `else ACTION [if EXPR]`.
type Else struct {
	Pos
	Action Action
	If     Expr // nil: always
}

// An Action is `kill`, `trap`, `log`, or `errno(NAME)`, `errno(NUMBER)`.
type Action struct {
	Pos
	Name  string
	Errno Value // *Ident or *Number; nil but for errno
}

// A Name is a dotted name with its place.
type Name struct {
	Pos
	Text string
}

// An Expr is *Or, *And, *Not, *Paren, *Compare, *Bits, *In, or a lone *Number 0 or 1.
type Expr interface {
	Start() Pos
	expr()
}

// A Value is a number or a constant expression: *Number, *Ident, *Join.
type Value interface {
	Start() Pos
	value()
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
		X Expr
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
		Mask Value // nil without one
		List []Range
	}
	// Number is a number as written; Neg is true where a minus stands before it.
	Number struct {
		Pos
		Text string
		Neg  bool
		Abs  uint64
	}
	// Ident is a constant or a value of the process: AF_INET, self.pid.
	Ident struct {
		Pos
		Name string
	}
	// Join is `A|B|…` or `~A`: see Op. Brackets around it are kept by Paren.
	Join struct {
		Pos
		X []Value
	}
)

// A Range is `A` or `A..B`, ends included.
type Range struct {
	Pos
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
