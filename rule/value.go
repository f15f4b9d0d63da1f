package rule

// A Value is a number or a constant expression: *Number, *Ident, *Join, *Meet, *Complement. Brackets around a value
// are not kept: Format puts them where they are needed.
type Value interface {
	Start() Pos
	value()
}

type (
	// Ident is a constant or a value of the process: AF_INET, self.pid.
	Ident struct {
		Pos
		Name string
	}
	// Join is `A|B|…`: the bits that any of them has, at least two.
	Join struct {
		Pos
		X []Value
	}
	// Meet is `A&B&…`: the bits that all of them have, at least two. In a text it stands in brackets.
	Meet struct {
		Pos
		X []Value
	}
	// Complement is `~X`: all bits but these, in the width of the argument that it is compared with.
	Complement struct {
		Pos
		X Value
	}
)

func (*Number) value()     {}
func (*Ident) value()      {}
func (*Join) value()       {}
func (*Meet) value()       {}
func (*Complement) value() {}
