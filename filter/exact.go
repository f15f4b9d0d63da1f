package filter

import (
	"math"
	"math/bits"

	"github.com/stagelock/seccomp/internal/bpf"
)

// exactKeys is how many keys are searched for the best tests of all; more are halved first.
const exactKeys = 7

// An exact is the search for the best tests of a few keys. It keeps what it learns about each set of keys that tests
// leave, and looks at nothing that costs no less than what it has.
//
// Of the jeqs only that for the heaviest key is tried: an optimal tree of such comparisons that begins with one begins
// with that one (Anderson, Kannan, Karloff, Ladner: Thresholds and optimal binary comparison search trees, 2002). So
// what is left is always a run of keys without its heaviest ones, of which there are few. TestExactSearch compares.
type exact struct {
	keys    []item
	wide    uint // the keys of several values
	alone   uint // the keys of a single value that have no neighbour
	joined  uint // the keys whose next one begins where they end
	first   uint // the key that begins with the least value there can be
	last    uint // the key that ends with the largest
	cubes   []cube
	spoil   bool                    // a test may be AND
	weights [exactKeys + 1]float64  // of the keys; asked for with &exactKeys, which needs no check of bounds
	each    [1 << exactKeys]float64 // what a test costs, by the keys that are left

	// By state, which is the keys that are left and which outer edges are known. Most tests are dismissed by the costs of
	// what they leave, so these lie close together.
	costs [4 << exactKeys]float64 // the least cost, or before it is found what it is not below
	best  [4 << exactKeys]choice  // the best test, or notFound
}

// A choice is a kind of test, and above its bits the key or the cube that it looks for.
type choice uint8

const (
	notFound  choice = iota
	isKey            // jeq
	fromKey          // jge with the lowest value of the key
	aboveKey         // jge with the value after its highest
	outOfCube        // jset with the bits that no value of the cube has
	inCube           // and with those bits, then jeq
	noTest           // where nothing is left to tell
)

const kindBits = 3

// of returns the choice of a kind of test for the key or cube i.
func (c choice) of(i int) choice { return choice(i)<<kindBits | c }

// The outer edges of the keys left that are known: the value is not below the lowest, not above the highest. With the
// keys, a bit for each, they make a state.
const (
	knowLo = 1 << exactKeys
	knowHi = 2 << exactKeys
)

// search returns the best tests for keys, of which there is one at least.
func (e *exact) search(s *searcher, keys []item, known uint) (root int32, cost float64) {
	if len(keys) == 0 {
		return ^s.background, 0
	}
	e.look(s, keys)
	all := uint(1)<<len(keys) - 1
	if e.inTurn(all) {
		return e.oneByOne(s, all)
	}
	e.begin(s.miss, all)
	state := e.state(all, known)
	cost = e.cost(state)
	return e.build(s, state), cost
}

// look finds out about the keys.
func (e *exact) look(s *searcher, keys []item) {
	e.keys, e.spoil = keys, s.spoil && mayHoldCube(keys)
	e.wide, e.joined, e.first, e.last = 0, 0, 0, 0
	for i := range keys {
		it, key := &keys[i], uint(1)<<i
		if it.lo != it.hi {
			e.wide |= key
		}
		if i > 0 && keys[i-1].hi+1 == it.lo {
			e.joined |= key >> 1
		}
		e.weights[i] = it.weight
	}
	e.alone = (1<<len(keys) - 1) &^ (e.wide | e.joined | e.joined<<1)
	if keys[0].lo == 0 {
		e.first = 1
	}
	if keys[len(keys)-1].hi == 1<<32-1 {
		e.last = 1 << (len(keys) - 1)
	}
	e.findCubes()
}

// inTurn tells whether of the keys left one after the other is best found with jeq, the heaviest first. So it is with
// four at most that have no neighbours: what a jge saves then is less than what it costs.
func (e *exact) inTurn(left uint) bool {
	return left&^e.alone == 0 && bits.OnesCount(left) <= 4 && !e.spoil && len(e.cubes) == 0
}

// oneByOne makes the tests for keys that are found in turn.
func (e *exact) oneByOne(s *searcher, left uint) (root int32, cost float64) {
	if left == 0 {
		return ^s.background, 0
	}
	each := s.miss + size
	for rest := left; rest != 0; rest &= rest - 1 {
		each += e.weights[bits.TrailingZeros(rest)&exactKeys] + s.miss
	}
	i := e.heaviest(left)
	root, cost = e.oneByOne(s, left&^(1<<i))
	return s.add(test{bpf.JumpEq, e.keys[i].lo, ^e.keys[i].to, root}), cost + each
}

// begin sets down what is known of the costs of all states.
func (e *exact) begin(miss float64, all uint) {
	e.each[0] = miss + size
	for i := range e.keys {
		own := e.weights[i] + miss
		without := e.each[:1<<i]
		with := e.each[1<<i:][:len(without)]
		for others, each := range without {
			with[others] = each + own
		}
	}
	for known := uint(0); known <= knowLo|knowHi; known += knowLo {
		copy(e.costs[known+1:known+all+1], e.each[1:all+1])
		if e.alone == all {
			break // no others come about
		}
	}
	clear(e.best[:])
	e.costs[0], e.best[0] = 0, noTest
	for i := range e.keys {
		key := uint(1) << i
		one := e.each[key]
		e.costs[key|knowLo|knowHi], e.best[key|knowLo|knowHi] = 0, noTest
		e.costs[key|knowLo], e.costs[key|knowHi], e.costs[key] = one, one, one
		if e.wide&key == 0 {
			e.best[key|knowLo], e.best[key|knowHi], e.best[key] = isKey.of(i), isKey.of(i), isKey.of(i)
		} else {
			e.costs[key] = 2 * one
			e.best[key|knowLo], e.best[key|knowHi], e.best[key] = aboveKey.of(i), fromKey.of(i), fromKey.of(i)
		}
	}
}

// heaviest returns the key of a set that weighs most.
func (e *exact) heaviest(set uint) (key int) {
	key = bits.TrailingZeros(set)
	most := e.weights[key&exactKeys]
	for set &= set - 1; set != 0; set &= set - 1 {
		i := bits.TrailingZeros(set)
		weight := e.weights[i&exactKeys]
		if weight <= most {
			continue
		}
		key, most = i, weight
	}
	return key
}

// state returns the state of the keys left and their known edges: where a key begins or ends with what a word
// can hold, that is known whatever was tested. Edges that tell nothing are left out: a single value without a neighbour
// is always tested with jeq.
func (e *exact) state(left, known uint) uint {
	if left == 0 {
		return 0
	}
	lowest, highest := left&-left, uint(1)<<(bits.Len(left)-1)
	if lowest&e.first != 0 {
		known |= knowLo
	}
	if highest&e.last != 0 {
		known |= knowHi
	}
	if lowest&e.alone != 0 {
		known &^= knowLo
	}
	if highest&e.alone != 0 {
		known &^= knowHi
	}
	return left | known
}

// size is what an instruction costs in itself: of two searches as short, the smaller one is taken.
const size = 1e-3

// cost returns the least cost of a state and notes the test that has it.
func (e *exact) cost(state uint) float64 {
	if e.best[state] != notFound {
		return e.costs[state]
	}
	return e.find(state)
}

// find is cost for a state that was not looked at yet.
func (e *exact) find(state uint) float64 {
	left := state &^ (knowLo | knowHi)
	if e.inTurn(left) {
		i := e.heaviest(left)
		cost := e.cost(state&^(1<<i)) + e.each[left]
		e.costs[state], e.best[state] = cost, isKey.of(i)
		return cost
	}
	least, best := math.Inf(1), notFound
	asKey, key := least, best
	if single := left &^ e.wide; single != 0 && !e.spoil { // first, since it dismisses many others
		heaviest := e.heaviest(single)
		asKey, key = e.cost(e.without(state, 1<<heaviest)), isKey.of(heaviest)
		least = math.Float64frombits(math.Float64bits(asKey) + 1) // the next number: others that cost the same win
	}
	from, above := e.cuts(state)
	tests := from | above
	if e.spoil {
		tests = left
	}
	for ; tests != 0; tests &= tests - 1 {
		i := bits.TrailingZeros(tests)
		key := tests & -tests
		if e.spoil && e.wide&key == 0 { // what is left may be a cube
			if cost := e.try(least, 0, e.without(state, key)); cost < least {
				least, best = cost, isKey.of(i)
			}
		}
		if key&from != 0 {
			yes, no := e.from(state, key)
			if cost := e.try(least, yes, no); cost < least {
				least, best = cost, fromKey.of(i)
			}
		}
		if key&above != 0 {
			yes, no := e.above(state, key)
			if cost := e.try(least, yes, no); cost < least {
				least, best = cost, aboveKey.of(i)
			}
		}
	}
	if best == notFound {
		least, best = asKey, key
	}
	each := e.each[left]
	if e.spoil || len(e.cubes) > 0 {
		least, best = e.tryCubes(left, each, least, best)
	}
	least += each
	e.costs[state], e.best[state] = least, best
	return least
}

// cuts returns the keys whose fromKey is worth a try, and those whose aboveKey is. Where nothing is cut off but a single
// value without a neighbour, jeq does as well and finds it too.
func (e *exact) cuts(state uint) (from, above uint) {
	left := state &^ (knowLo | knowHi)
	lowest, highest := left&-left, uint(1)<<(bits.Len(left)-1)
	from, above = left&^(highest&e.alone), left&e.wide
	if lowest&e.alone != 0 {
		others := left &^ lowest
		from &^= others & -others & e.alone
	}
	if lowest&e.wide == 0 || state&knowLo != 0 {
		from &^= lowest
	}
	if state&knowHi != 0 {
		above &^= highest
	}
	return from, above
}

// without returns the state that is left once the value is known not to be that of a key.
func (e *exact) without(state, key uint) uint {
	left := state &^ (key | knowLo | knowHi)
	below, above := left&(key-1), left&^(key-1)
	state &^= key
	if below == 0 && above>>1&key&e.joined == 0 {
		state &^= knowLo
	}
	if above == 0 && below&(key>>1)&e.joined == 0 {
		state &^= knowHi
	}
	return state
}

// from returns the states that are left once the value is known to be at least the lowest of a key, and to be less.
func (e *exact) from(state, key uint) (yes, no uint) {
	yes, no = state&^(key-1)|knowLo, state&(key-1|knowLo)
	if key&e.alone != 0 {
		yes &^= knowLo
	}
	if no&(key>>1)&e.joined != 0 {
		no |= knowHi
	}
	return yes, no
}

// above returns the states that are left once the value is known to be more than the highest of a key, and not to be.
func (e *exact) above(state, key uint) (yes, no uint) {
	yes, no = state&^(key<<1-1|knowLo), state&(key<<1-1|knowLo)|knowHi
	if yes>>1&key&e.joined != 0 {
		yes |= knowLo
	}
	return yes, no
}

// try returns what is left to pay after a test that leaves yes where it is true and no where it is not, or as much as
// least where it is no less.
func (e *exact) try(least float64, yes, no uint) float64 {
	if e.costs[yes]+e.costs[no] >= least { // so it is with most; this much is inlined
		return least
	}
	return e.sum(yes, no)
}

// sum is try for a test that is not dismissed at once.
func (e *exact) sum(yes, no uint) float64 { return e.cost(yes) + e.cost(no) }

// build makes the tests that were found best.
func (e *exact) build(s *searcher, state uint) int32 {
	left := state &^ (knowLo | knowHi)
	switch {
	case left == 0:
		return ^s.background
	case left&(left-1) == 0 && state == left|knowLo|knowHi:
		return ^e.keys[bits.TrailingZeros(left)].to
	}
	best := e.best[state]
	i := int(best >> kindBits)
	switch best & (1<<kindBits - 1) {
	case outOfCube:
		c := &e.cubes[i]
		yes := e.build(s, e.state(left&^uint(c.keys), 0))
		return s.add(test{bpf.JumpSet, ^c.mask, yes, ^e.keys[bits.TrailingZeros16(c.keys)].to})
	case inCube:
		mask, value, _ := e.wholeCube(left)
		eq := s.add(test{bpf.JumpEq, value, ^e.keys[bits.TrailingZeros(left)].to, ^s.background})
		s.tests = append(s.tests, test{op: bpf.And, k: ^mask, no: eq})
		return int32(len(s.tests) - 1)
	case isKey:
		it := &e.keys[i]
		return s.add(test{bpf.JumpEq, it.lo, ^it.to, e.build(s, e.without(state, 1<<i))})
	case fromKey:
		yes, no := e.from(state, 1<<i)
		return s.add(test{bpf.JumpGe, e.keys[i].lo, e.build(s, yes), e.build(s, no)})
	case aboveKey:
		yes, no := e.above(state, 1<<i)
		return s.add(test{bpf.JumpGe, e.keys[i].hi + 1, e.build(s, yes), e.build(s, no)})
	}
	panic(bug("no test was found for %b", state))
}
