package policy

// Most conditions hold for some arguments and not for others, and an example of each is easily found and checked.
// That spares them a decision diagram: Lock checks a policy while a program starts.

// guess is the value that Symbols are taken to have: any would do.
const guess = 4242

// sometimes tells that c holds for some arguments and not for others. Where it answers false, it doesn't know.
func sometimes(c Cond) bool {
	if or, ok := c.(Or); ok && apart(or) {
		return true
	}
	var yes, no [6]uint64
	steer(c, true, &yes)
	steer(c, false, &no)
	return holds(c, &yes) && !holds(c, &no)
}

// apart tells that c is what most conditions are, a list of values of one argument: in order, with a gap between any two.
// It holds at the first of them, and not behind it.
func apart(c Or) bool {
	var last Range
	for i, x := range c {
		r, ok := x.(Range)
		if !ok || r.Lo > r.Hi || r.Hi > widest(r.Bits) {
			return false
		}
		if i > 0 && (r.Arg != last.Arg || r.Bits != last.Bits || r.Lo <= last.Hi || r.Lo == last.Hi+1) {
			return false
		}
		last = r
	}
	return len(c) > 1
}

// steer changes args as little as it can towards making c hold, or not hold. It fails where parts of c are at odds:
// the caller must look.
func steer(c Cond, want bool, args *[6]uint64) {
	switch c := c.(type) {
	case Not:
		steer(c.X, !want, args)
	case And:
		steerParts(c, want, want, args)
	case Or:
		steerParts(c, want, !want, args)
	case Symbol:
		steer(known(c), want, args)
	case Range:
		if c.Holds(args) == want {
			return
		}
		x := c.Lo
		if !want {
			if x = c.Hi + 1; x > widest(c.Bits) || x == 0 {
				x = c.Lo - 1
			}
		}
		top := widest(c.Bits)
		args[c.Arg] = args[c.Arg]&^top | x&top
	case Masked:
		if c.Holds(args) == want {
			return
		}
		if want {
			args[c.Arg] = args[c.Arg]&^c.Mask | c.Value
		} else {
			args[c.Arg] ^= c.Mask & -c.Mask // the lowest bit that is looked at
		}
	}
}

func steerParts(parts []Cond, want, all bool, args *[6]uint64) {
	for _, x := range parts {
		steer(x, want, args)
		if !all {
			return
		}
	}
}

// holds is Cond.Holds with a guess for every Symbol. No method is called through the interface, so that args may stay
// on the stack.
func holds(c Cond, args *[6]uint64) bool {
	switch c := c.(type) {
	case Not:
		return !holds(c.X, args)
	case And:
		for _, x := range c {
			if !holds(x, args) {
				return false
			}
		}
		return true
	case Or:
		for _, x := range c {
			if holds(x, args) {
				return true
			}
		}
		return false
	case Const:
		return bool(c)
	case Range:
		return c.Holds(args)
	case Masked:
		return c.Holds(args)
	case Symbol:
		return known(c).Holds(args)
	}
	panic(bug("a condition of type %T", c))
}

func known(c Symbol) Range { return Range{Arg: c.Arg, Bits: c.Bits, Lo: guess, Hi: guess} }
