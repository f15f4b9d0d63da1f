package policy

// sortRules returns the rules by number, those of one number staying in their order. What is in order already is
// returned as it is, else it is copied.
//
//go:noinline
func sortRules(rules []Rule) []Rule {
	order := make([]uint64, 0, 2*len(rules)) // the number of each, then its place
	inOrder := true
	for i := range rules {
		order = append(order, uint64(rules[i].Nr)<<32|uint64(i))
		inOrder = inOrder && (i == 0 || order[i-1] < order[i])
	}
	if inOrder {
		return rules
	}
	mergeSort(order, order[len(order):cap(order)], func(a, b uint64) bool { return a < b })
	sorted := make([]Rule, len(rules))
	for i, o := range order {
		sorted[i] = rules[uint32(o)]
	}
	return sorted
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
