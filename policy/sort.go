package policy

// sortRules sorts rules by number, those of one number staying in their order.
//
//go:noinline
func sortRules(rules []Rule) {
	var few [192]interval
	order := few[:0] // the number of each, then its place
	if room := len(rules) * 3 / 2; room > len(few) {
		order = make([]interval, 0, room)
	}
	inOrder := true
	for i := range rules {
		order = append(order, interval{uint64(rules[i].Nr), uint64(i)})
		inOrder = inOrder && (i == 0 || order[i-1].lo <= order[i].lo)
	}
	if inOrder {
		return
	}
	mergeSort(order, order[len(order):cap(order)])
	// Each cycle of places that change is moved around by itself, so that no second list is needed.
	for i := range rules {
		first := rules[i]
		at := i
		for from := int(order[at].hi); from != i; from = int(order[at].hi) {
			rules[at] = rules[from]
			order[at].hi = uint64(at)
			at = from
		}
		rules[at] = first
		order[at].hi = uint64(at)
	}
}

// mergeSort sorts a list by the lower ends, what is equal staying in its order; spare is room for half of it. What people
// write is mostly in order, and too little for the sorts of the standard library to be worth their code.
func mergeSort(list, spare []interval) {
	const few = 8
	if len(list) <= few {
		for i := 1; i < len(list); i++ {
			x, at := list[i], i
			for ; at > 0 && x.lo < list[at-1].lo; at-- {
				list[at] = list[at-1]
			}
			list[at] = x
		}
		return
	}
	half := len(list) / 2
	mergeSort(list[:half], spare)
	mergeSort(list[half:], spare)
	if list[half-1].lo <= list[half].lo {
		return
	}
	low, high := spare[:copy(spare, list[:half])], list[half:]
	for i := 0; len(low) > 0; i++ {
		if len(high) == 0 || low[0].lo <= high[0].lo {
			list[i], low = low[0], low[1:]
		} else {
			list[i], high = high[0], high[1:]
		}
	}
}
