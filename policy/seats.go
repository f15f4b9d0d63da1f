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

// seats returns a seat for each statement of a list, and how many are taken: as many as find finds the calls of. Two
// rules about one call stay in their order.
func (c *checker) seats(list []rule.Stmt) (seats []seat, taken int) {
	var few, fewer [128]numbered
	order, spare := few[:0], fewer[:]
	if n := len(list); n > len(few) {
		order, spare = make([]numbered, 0, n), make([]numbered, n)
	}
	seats = make([]seat, len(list))
	for i, x := range list {
		x, ok := x.(*rule.Rule)
		if !ok {
			continue
		}
		nr, at, ok := c.numberOf(&x.Call)
		if seats[i].call = at; ok {
			order = append(order, numberedAt(nr, i))
		}
	}
	for place, x := range byNumber(order, spare[:len(order)]) {
		seats[x.place()].place = int32(place)
	}
	return seats, len(order)
}

// numberOf returns the number of a call and its place in the tables; ok is false where there can't be such a call.
func (c *checker) numberOf(x *rule.Call) (nr uint32, at int32, ok bool) {
	if x.Nr != nil {
		nr = uint32(x.Nr.Abs)
		return nr, notThere, !x.Nr.Neg && x.Nr.Abs < nrLast && !c.arch.Foreign(nr)
	}
	i, nr, ok := c.arch.Place(x.Name)
	if !ok {
		return 0, notThere, false
	}
	return nr, int32(i), true
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
