package policy

// simplifyBudget bounds the nodes that go into looking for constant parts of one condition.
const simplifyBudget = 4 * decideLimit

// simplify returns c without parts that are always or never true, and without And in And and Or in Or. In a condition
// too complex to decide some such parts may stay.
func simplify(c Cond) Cond {
	budget := simplifyBudget
	return simplified(c, &budget)
}

func simplified(c Cond, budget *int) Cond {
	switch truth, _ := truthWithin(c, budget); truth {
	case Always:
		return Const(true)
	case Never:
		return Const(false)
	}
	switch c := c.(type) {
	case Not:
		switch x := simplified(c.X, budget).(type) {
		case Not:
			return x.X
		case Const:
			return !x
		default:
			return Not{x}
		}
	case And:
		list, constant := simplifiedParts(c, budget, false)
		if constant {
			return Const(false)
		}
		return conjunction(list)
	case Or:
		list, constant := simplifiedParts(c, budget, true)
		if constant {
			return Const(true)
		}
		return single(list)
	}
	return c
}

// simplifiedParts returns the parts of an And or Or, without those that are constant; constant tells that one of them
// is decisive, and so is the whole.
func simplifiedParts(parts []Cond, budget *int, decisive Const) (list []Cond, constant bool) {
	for _, x := range parts {
		switch x := simplified(x, budget).(type) {
		case Const:
			if x == decisive {
				return nil, true
			}
		case And:
			if decisive {
				list = append(list, x)
			} else {
				list = append(list, x...)
			}
		case Or:
			if decisive {
				list = append(list, x...)
			} else {
				list = append(list, x)
			}
		default:
			list = append(list, x)
		}
	}
	return list, false
}

// conjunction returns the only part of list, if it has one.
func conjunction(list []Cond) Cond {
	switch len(list) {
	case 0:
		return Const(true)
	case 1:
		return list[0]
	}
	return And(list)
}
