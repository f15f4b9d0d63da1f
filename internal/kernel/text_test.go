package kernel

import (
	"slices"
	"strings"
	"testing"
)

// TestTexts: a name is found if and only if it is told, with the value it is told with.
func TestTexts(t *testing.T) {
	for _, table := range []text{commonConsts, callNames, amd64Consts, mipsConsts, amd64Errnos, ""} {
		var names []string
		for e := table.all(); e.next(); {
			name := string(e.name)
			names = append(names, name)
			if v, ok := table.get(name); !ok || v != e.value {
				t.Errorf("%s: %d, %t, told %d", name, v, ok, e.value)
			}
		}
		if !slices.IsSorted(names) {
			t.Error("not in order")
		}
		for _, name := range append(names, "", "\xff") {
			for _, other := range []string{name + "_", name + "A", strings.TrimRight(name, "0123456789_"), name[:len(name)/2], name + "\xff",
				strings.ToLower(name), strings.Replace(name, "A", "B", 1), strings.Replace(name, "_", "", 1)} {
				_, told := slices.BinarySearch(names, other)
				if _, ok := table.get(other); ok != told {
					t.Errorf("%q: found %t, told %t", other, ok, told)
				}
			}
		}
	}
}
