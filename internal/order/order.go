// Package order sorts the short lists of this module, which mostly are in order already. The sorts of the standard
// library are faster with long ones, and cost a program that has no other use for them 5 KB for each type that they
// sort.
package order

// Stable sorts a list, what is equal staying in its order. less tells of the places of two elements in the list as it
// was whether the first belongs before the second.
func Stable[E any](list []E, less func(i, j int) bool) {
	var few [24]int
	from := places(len(list), few[:], less)
	for i := range from { // each goes to where it belongs, in circles
		x, at := list[i], i
		for from[at] != i {
			list[at] = list[from[at]]
			at, from[at] = from[at], at
		}
		list[at], from[at] = x, at
	}
}

// places returns the places from 0 to n-1 in order, nil if they are; room is for them where they are few.
func places(n int, room []int, less func(i, j int) bool) []int {
	if isSorted(n, less) {
		return nil
	}
	if n+n/2 > len(room) {
		room = make([]int, n+n/2)
	}
	list := room[:n]
	for i := range list {
		list[i] = i
	}
	merge(list, room[n:], less)
	return list
}

// isSorted tells whether the places from 0 to n-1 are in order.
func isSorted(n int, less func(i, j int) bool) bool {
	i := 1
	for i < n && !less(i, i-1) {
		i++
	}
	return i >= n
}

// merge sorts a list; spare is room for half of it.
func merge(list, spare []int, less func(i, j int) bool) {
	if len(list) < 2 {
		return
	}
	half := len(list) / 2
	merge(list[:half], spare, less)
	merge(list[half:], spare, less)
	low, high := spare[:copy(spare, list[:half])], list[half:]
	for i := 0; len(low) > 0; i++ {
		if len(high) == 0 || !less(high[0], low[0]) {
			list[i], low = low[0], low[1:]
		} else {
			list[i], high = high[0], high[1:]
		}
	}
}
