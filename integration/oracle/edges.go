package oracle

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/stagelock/seccomp/policy"
)

// words are the edges of every argument word: of 16, 32 and 64 bits, signed and not.
var words = []uint64{0, 1, 2, 1<<15 - 1, 1 << 15, 1<<16 - 1, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1,
	1<<63 - 1, 1 << 63, 1<<64 - 1<<32, 1<<64 - 2, 1<<64 - 1}

const (
	most       = 12  // ways to meet a condition that are taken for starting points
	mostValues = 150 // values of an argument beside the words; of more than that a random choice
)

// Edges returns arguments for a call that has these clauses: every argument takes, one at a time, each of the edge
// values of all words and of the constants that the clauses compare it with, also with bits set that lie above the word
// compared, while the others are as some clause wants them, all 0 or all ones. A call without clauses gets a few only.
func Edges(clauses []policy.Clause, random *rand.Rand) (list [][6]uint64) {
	var values [6]map[uint64]bool
	for i := range values {
		values[i] = make(map[uint64]bool)
	}
	ones := [6]uint64{1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1}
	starts := [][6]uint64{{}, ones}
	for _, c := range clauses {
		if _, always := c.If.(policy.Const); always {
			continue
		}
		around(c.If, &values)
		starts = append(starts, meet([][6]uint64{{}, ones}, c.If, true)...)
		starts = append(starts, meet([][6]uint64{{}}, c.If, false)...)
	}
	var sorted [6][]uint64
	for i := range values {
		sorted[i] = slices.Sorted(maps.Keys(values[i]))
		random.Shuffle(len(sorted[i]), func(a, b int) { sorted[i][a], sorted[i][b] = sorted[i][b], sorted[i][a] })
		sorted[i] = append(sorted[i][:min(len(sorted[i]), mostValues)], words...)
	}
	if len(clauses) == 0 {
		for _, w := range words {
			list = append(list, [6]uint64{w, w, w, w, w, w})
		}
		return list
	}
	for _, s := range starts {
		list = append(list, s)
		for i := range s {
			for _, v := range sorted[i] {
				x := s
				x[i] = v
				list = append(list, x)
			}
		}
	}
	if len(clauses) > 1 {
		for range 500 {
			var x [6]uint64
			for i := range x {
				x[i] = sorted[i][random.IntN(len(sorted[i]))]
			}
			list = append(list, x)
		}
	}
	return list
}

// around adds the values next to the constants that c compares with, each also with bits set that lie above the word
// compared.
func around(c policy.Cond, values *[6]map[uint64]bool) {
	add := func(arg, bits uint8, list ...uint64) {
		for _, v := range list {
			word := uint64(1)<<bits - 1 // of 64 bits: all
			for _, x := range []uint64{v - 1, v, v + 1} {
				x &= word
				values[arg][x] = true
				values[arg][x|^word] = true
				values[arg][x|1<<63] = true
				if bits < 64 {
					values[arg][x|1<<bits] = true
				}
			}
		}
	}
	switch c := c.(type) {
	case policy.Not:
		around(c.X, values)
	case policy.And:
		for _, x := range c {
			around(x, values)
		}
	case policy.Or:
		for _, x := range c {
			around(x, values)
		}
	case policy.Range:
		add(c.Arg, c.Bits, c.Lo, c.Hi, c.Lo+(c.Hi-c.Lo)/2)
	case policy.Masked:
		add(c.Arg, c.Bits, c.Value, c.Mask, c.Value|^c.Mask)
		for m := c.Mask; m != 0; m &= m - 1 { // one bit that is looked at is wrong
			values[c.Arg][c.Value^(m&-m)] = true
		}
	}
}

// meet changes each of the lists of arguments so that c holds, or doesn't: one for each way to do that, but at most a
// few. What c demands twice of one argument may not be met: the evaluator says what holds.
func meet(list [][6]uint64, c policy.Cond, want bool) (out [][6]uint64) {
	switch c := c.(type) {
	case policy.Const:
		return list
	case policy.Not:
		return meet(list, c.X, !want)
	case policy.And:
		return meetAll(list, c, want, want)
	case policy.Or:
		return meetAll(list, c, want, !want)
	case policy.Range:
		word := uint64(1)<<c.Bits - 1
		for _, args := range list {
			if low := args[c.Arg] & word; (c.Lo <= low && low <= c.Hi) != want {
				v := c.Lo
				if !want {
					v = c.Hi + 1
				}
				args[c.Arg] = args[c.Arg]&^word | v&word
			}
			out = append(out, args)
		}
	case policy.Masked:
		for _, args := range list {
			v := args[c.Arg]&^c.Mask | c.Value
			if !want {
				v ^= c.Mask & -c.Mask
			}
			args[c.Arg] = v
			out = append(out, args)
		}
	}
	return out
}

// meetAll meets all of the parts, or any of them.
func meetAll(list [][6]uint64, parts []policy.Cond, want, all bool) (out [][6]uint64) {
	if all {
		for _, x := range parts {
			list = meet(list, x, want)
		}
		return list
	}
	for _, x := range parts {
		if out = append(out, meet(list, x, want)...); len(out) >= most {
			return out[:most]
		}
	}
	return out
}
