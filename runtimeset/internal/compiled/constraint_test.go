package compiled

import (
	"go/build/constraint"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestConstraintsAreGos: what Go's own parser takes has the same value here; what it doesn't take is an error.
func TestConstraintsAreGos(t *testing.T) {
	words := []string{"a", "b", "go1.25", "!", "(", ")", "&&", "||", " "}
	r := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for range 200_000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(words[r.IntN(len(words))])
		}
		text, truth := strings.Trim(b.String(), " "), r.IntN(8)
		if text == "" { // it says nothing, and holds
			continue
		}
		has := func(tag string) bool {
			return tag == "a" && truth&1 != 0 || tag == "b" && truth&2 != 0 || tag == "go1.25" && truth&4 != 0
		}
		oracle, err := constraint.Parse("//go:build " + text)
		got, right := Holds(text, has)
		switch {
		case (err == nil) != right && !strings.Contains(strings.ReplaceAll(text, " ", ""), "!!"): // double negation is not allowed
			t.Fatalf("%q: right %t, Go says %v", text, right, err)
		case err == nil:
			valid++
			if want := oracle.Eval(has); got != want {
				t.Fatalf("%q with %03b: %t, want %t", text, truth, got, want)
			}
		}
	}
	if valid < 1000 {
		t.Fatalf("%d constraints were valid", valid)
	}
}
