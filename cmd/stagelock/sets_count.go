package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/policy"
)

// A tally is how much a set leaves open.
type tally struct {
	free   []string // calls that are allowed whatever their arguments
	shaped []shape
}

// A shape is a call whose arguments matter, and the part of all arguments it could have that is allowed.
type shape struct {
	call  string
	share float64
}

// tallied adds up what a set and its parts allow.
func tallied(set *policy.Set) (t tally, err error) {
	rules := make(map[string]policy.Or)
	var names []string
	for leaf := range set.Leaves {
		for i := range leaf.Rules {
			r := &leaf.Rules[i]
			if rules[r.Name] == nil {
				names = append(names, r.Name)
			}
			rules[r.Name] = append(rules[r.Name], r.Allow)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		share, err := policy.Share(rules[name])
		if err != nil {
			return tally{}, fmt.Errorf("set %s, call %s: %w", set.Name, name, err)
		}
		if share == 1 {
			t.free = append(t.free, name)
		} else {
			t.shaped = append(t.shaped, shape{name, share})
		}
	}
	slices.SortStableFunc(t.shaped, func(a, b shape) int { // the widest first
		switch {
		case a.share > b.share:
			return -1
		case a.share < b.share:
			return 1
		}
		return 0
	})
	return t, nil
}

// power returns a share as a power of two, as in 2^-31.5.
func power(share float64) string {
	switch {
	case share == 0:
		return "0"
	case share > 0.95:
		return "nearly all"
	}
	return "2^" + strings.TrimSuffix(fmt.Sprintf("%.1f", math.Log2(share)), ".0")
}

// printCounts prints how much each of some sets leaves open.
func printCounts(s *streams, list []*policy.Set) error {
	st := s.style()
	rows := columns{}
	rows.row(cell{"set", st.quiet}, cell{"calls", st.quiet}, cell{"free", st.quiet}, cell{"by argument, with the part of all arguments that is allowed", st.quiet})
	for _, set := range list {
		if set.Name == policy.AllSet {
			continue
		}
		t, err := tallied(set)
		if err != nil {
			return err
		}
		parts := make([]string, len(t.shaped))
		for i, x := range t.shaped {
			parts[i] = x.call + " " + power(x.share)
		}
		rows.row(cell{set.Name, st.head}, cell{text: fmt.Sprint(len(t.free) + len(t.shaped))}, cell{text: fmt.Sprint(len(t.free))},
			cell{text: strings.Join(parts, ", ")})
	}
	fmt.Fprint(s.out, rows.String())
	return nil
}
