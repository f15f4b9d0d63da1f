package policy

// Share returns the part of all that a call's arguments can be for which c holds, from 0 to 1. A Symbol that is still in
// c counts as one value. The error is bdd.ErrTooComplex.
func Share(c Cond) (float64, error) {
	values := make(map[string]uint64)
	d := NewDecider(decideLimit)
	share := d.Share(d.Cond(settled(c, values)))
	return share, d.Err()
}

// settled puts a value in place of each Symbol.
func settled(c Cond, values map[string]uint64) Cond {
	switch c := c.(type) {
	case Not:
		return Not{settled(c.X, values)}
	case And:
		list := make(And, len(c))
		for i := range c {
			list[i] = settled(c[i], values)
		}
		return list
	case Or:
		list := make(Or, len(c))
		for i := range c {
			list[i] = settled(c[i], values)
		}
		return list
	case Symbol:
		if _, ok := values[c.Name]; !ok {
			values[c.Name] = 1<<20 + uint64(len(values)) // one that no rule has by chance
		}
		return Range{c.Arg, c.Bits, values[c.Name], values[c.Name]}
	}
	return c
}
