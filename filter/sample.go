package filter

import (
	"math"

	"github.com/stagelock/seccomp/policy"
)

// A sample is the arguments of one alternative: what a condition allows is a choice of things, and each is taken to
// be as likely as the others. Searches are shaped by what samples come through them.
type sample [6]uint64

// maxSamples bounds the samples of a call.
const maxSamples = 64

// alternatives appends the samples of a call.
func alternatives(list []sample, d *policy.Decision) []sample {
	for i := range d.Clauses {
		if d.Clauses[i].Action.Allows() {
			first := len(list)
			list = refine(append(list, sample{}), first, d.Clauses[i].If)
		}
	}
	return list
}

// weight returns what a call of so many alternatives weighs. Of the kernel package's estimate the order of magnitude
// is all that is known, and which of the alternatives a program uses is not: so a call that is made ten times as often
// weighs one more for each of them.
func (c *compiler) weight(nr uint32, alternatives int) float64 {
	if c.rate != nil {
		return max(0, c.rate(nr))
	}
	return float64(alternatives) * (1 + math.Log10(float64(c.table.Arch.Weight(nr))))
}

// often returns what an allowed call weighs that depends on no argument: how often it is made. Its place in the
// architecture's table is at, if it is known there.
func (c *compiler) often(nr uint32, at int, known bool) float64 {
	switch {
	case c.rate != nil:
		return max(refusedWeight, c.rate(nr))
	case known:
		return float64(c.table.Arch.WeightAt(at))
	}
	return 1
}

// of returns the value of the view.
func (v view) of(args *sample) uint32 { return uint32(args[v.word/2]>>(v.word%2*32)) & v.mask }

// refine takes the samples from first on, each a way to meet what was demanded so far, and replaces them by those for
// which c holds too, one for each part of c.
func refine(list []sample, first int, c policy.Cond) []sample {
	switch c := c.(type) {
	case policy.And:
		for _, x := range c {
			list = refine(list, first, x)
		}
	case policy.Or:
		if len(c) == 0 {
			return list[:first]
		}
		var few [2]sample
		before := append(few[:0], list[first:]...)
		list = list[:first]
		for _, x := range c {
			from := len(list)
			list = append(list, before...)
			list = refine(list, from, x)
			if len(list)-first >= maxSamples {
				break
			}
		}
	case policy.Range:
		top := widest(c.Bits)
		for i := first; i < len(list); i++ {
			x := &list[i][c.Arg]
			*x = *x&^top | (c.Lo + (min(c.Hi, top)-c.Lo)/2)
		}
	case policy.Masked:
		for i := first; i < len(list); i++ {
			x := &list[i][c.Arg]
			*x = *x&^c.Mask | c.Value
		}
	}
	return list
}
