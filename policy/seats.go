package policy

import "github.com/stagelock/seccomp/rule"

// Rules are written in any order and kept by number. Each is made where it belongs: to move them afterwards took a
// quarter of all checking.

// A seat is what is known of a rule of a text before it is checked.
type seat struct {
	call  int32 // the place of its call in the tables, notThere where they don't have it
	place int32 // its own among the rules that are checked together
}

const notThere = -1

// fewSeats is how many seats there is room for on the stack: most policies have fewer statements.
const fewSeats = 128

// seat gives each statement of a list its seat, and returns how many are taken: as many as find finds the calls of. Two
// rules about one call stay in their order.
func (c *checker) seat(list []rule.Stmt, seats []seat) (taken int) {
	var few [2 * fewSeats]numbered
	order := few[:]
	if len(list) > fewSeats {
		order = make([]numbered, 2*len(list))
	}
	for i, x := range list {
		x, ok := x.(*rule.Rule)
		if !ok {
			continue
		}
		at, nr := notThere, uint32(0)
		if n := x.Call.Nr; n != nil {
			nr = uint32(n.Abs)
			ok = !n.Neg && n.Abs < nrLast && !c.arch.Foreign(nr)
		} else if at, nr, ok = c.arch.Place(x.Call.Name); !ok {
			at = notThere
		}
		if seats[i].call = int32(at); ok {
			order[taken] = numberedAt(nr, i)
			taken++
		}
	}
	for place, x := range byNumber(order[:taken], order[taken:]) {
		seats[x.place()].place = int32(place)
	}
	return taken
}

// seatLate puts the rules that broken statements begin, which have no seats, among those before them, which do. There are
// as few as mistakes are told.
func seatLate(rules []Rule, seated int) {
	for i := seated; i < len(rules); i++ {
		for at := i; at > 0 && rules[at].precedes(&rules[at-1]); at-- {
			rules[at-1], rules[at] = rules[at], rules[at-1]
		}
	}
}

// precedes tells whether r is kept before other.
func (r *Rule) precedes(other *Rule) bool {
	return r.Nr < other.Nr || r.Nr == other.Nr && r.Origin.pos().Precedes(other.Origin.pos())
}
