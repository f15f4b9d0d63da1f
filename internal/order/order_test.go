package order

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestStable(t *testing.T) {
	type element struct{ key, place int }
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		list := make([]element, r.IntN(40))
		for i := range list {
			list[i] = element{r.IntN(1 + r.IntN(20)), i}
		}
		want := slices.Clone(list)
		slices.SortStableFunc(want, func(a, b element) int { return a.key - b.key })
		was := slices.Clone(list)
		Stable(list, func(i, j int) bool { return list[i].key < list[j].key })
		if !slices.Equal(list, want) {
			t.Fatalf("of %v it makes %v, want %v", was, list, want)
		}
	}
}

// A list that is in order, and one that is short, is sorted without memory.
func TestMemory(t *testing.T) {
	long := make([]int, 1000)
	for _, list := range [][]int{long, {1, 2, 2, 3}, {9, 8, 7, 6, 5, 4, 3, 2, 1}} {
		was := slices.Clone(list)
		n := testing.AllocsPerRun(10, func() {
			copy(list, was)
			Stable(list, func(i, j int) bool { return list[i] < list[j] })
		})
		if n != 0 {
			t.Errorf("%v costs %v allocations", was, n)
		}
	}
}
