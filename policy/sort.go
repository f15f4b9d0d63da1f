package policy

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
