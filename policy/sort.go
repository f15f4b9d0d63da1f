package policy

// sortRules sorts rules by number, those of one number staying in their order.
//
//go:noinline
func sortRules(rules []Rule) {
	var few [256]uint64
	order := few[:0] // the number of each, then its place
	if len(rules) > len(few)/2 {
		order = make([]uint64, 0, 2*len(rules))
	}
	inOrder := true
	for i := range rules {
		order = append(order, uint64(rules[i].Nr)<<32|uint64(i))
		inOrder = inOrder && (i == 0 || order[i-1] < order[i])
	}
	if inOrder {
		return
	}
	mergeSort(order, order[len(order):cap(order)], func(a, b uint64) bool { return a < b })
	// Each cycle of places that change is moved around by itself, so that no second list is needed.
	for i := range rules {
		first := rules[i]
		at := i
		for from := int(uint32(order[at])); from != i; from = int(uint32(order[at])) {
			rules[at] = rules[from]
			order[at] = uint64(at)
			at = from
		}
		rules[at] = first
		order[at] = uint64(at)
	}
}

// mergeSort sorts a list, what is equal staying in its order; spare is room for half of it. What people write is mostly
// in order, and too little for the sorts of the standard library to be worth their code.
func mergeSort[E any](list, spare []E, less func(a, b E) bool) {
	if len(list) < 2 {
		return
	}
	half := len(list) / 2
	mergeSort(list[:half], spare, less)
	mergeSort(list[half:], spare, less)
	if !less(list[half], list[half-1]) {
		return
	}
	low, high := spare[:copy(spare, list[:half])], list[half:]
	for i := 0; len(low) > 0; i++ {
		if len(high) == 0 || !less(high[0], low[0]) {
			list[i], low = low[0], low[1:]
		} else {
			list[i], high = high[0], high[1:]
		}
	}
}
