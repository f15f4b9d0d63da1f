package rule

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"
)

// Of many mistakes, found in whatever order, the first by place are told, and how many more there are.
func TestMistakesAreCounted(t *testing.T) {
	const n = 5000
	for name, order := range map[string][]int{
		"forward":  slices.Sorted(slices.Values(rand.Perm(n))),
		"shuffled": rand.New(rand.NewSource(1)).Perm(n),
	} {
		var m Mistakes
		for _, line := range order {
			m.Add("p", Pos{int32(line) + 1, 1}, ErrSyntax, "wrong %d", line+1)
		}
		var list Errors
		if err := m.Err(); !errors.As(err, &list) || len(list) != maxErrors+1 || m.Count() != n {
			t.Fatalf("%s: %d errors of %d", name, len(list), m.Count())
		}
		for i, e := range list[:maxErrors] {
			if int(e.Line) != i+1 || e.Msg != fmt.Sprintf("wrong %d", i+1) {
				t.Errorf("%s: error %d is %v", name, i, e)
			}
		}
		if got, want := list[maxErrors].Msg, "and 4950 more mistakes"; got != want || !errors.Is(list[maxErrors], ErrMore) {
			t.Errorf("%s: the last is %q, want %q", name, got, want)
		}
		if len(m.list) > 2*maxErrors {
			t.Errorf("%s: %d are kept", name, len(m.list))
		}
	}
}

func TestFewMistakesAreAllTold(t *testing.T) {
	for n, last := range map[int]string{1: "wrong", maxErrors: "wrong", maxErrors + 1: "and 1 more mistake", maxErrors + 2: "and 2 more mistakes"} {
		var m Mistakes
		for i := range n {
			m.Add("p", Pos{int32(i) + 1, 1}, ErrSyntax, "wrong")
		}
		list := m.Err().(Errors)
		if e := list[len(list)-1]; len(list) != min(n, maxErrors+1) || e.Msg != last || int(e.Line) != min(n, maxErrors+1) {
			t.Errorf("of %d the last of %d is %v", n, len(list), e)
		}
	}
	if err := new(Mistakes).Err(); err != nil {
		t.Errorf("none are %v", err)
	}
}
