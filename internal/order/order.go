// Package order sorts the short lists of this module, which mostly are in order already. The sorts of the standard
// library are faster with long ones, and cost a program that has no other use for them 5 KB for each type that they
// sort.
package order

// Stable sorts a list, what is equal staying in its order. less tells of the places of two elements in the list as it
// was whether the first belongs before the second.
func Stable[E any](list []E, less func(i, j int) bool) {
	from := places(len(list), less)
	if from == nil {
		return
	}
	sorted := make([]E, len(list))
	for i, j := range from {
		sorted[i] = list[j]
	}
	copy(list, sorted)
}

// places returns the places from 0 to n-1 in order, nil if they are.
func places(n int, less func(i, j int) bool) []int {
	i := 1
	for i < n && !less(i, i-1) {
		i++
	}
	if i >= n {
		return nil
	}
	list := make([]int, n, n+n/2)
	for i := range list {
		list[i] = i
	}
	merge(list, list[n:cap(list)], less)
	return list
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
