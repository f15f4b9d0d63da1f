package ascii

import (
	"strings"
	"testing"
)

// For all characters of ASCII it is what package strings says, and others stay.
func TestCase(t *testing.T) {
	var b strings.Builder
	for c := range byte(0x80) {
		b.WriteByte(c)
	}
	text := b.String()
	if got, want := Lower(text), strings.ToLower(text); got != want {
		t.Errorf("Lower: %q, not %q", got, want)
	}
	if got, want := Upper(text), strings.ToUpper(text); got != want {
		t.Errorf("Upper: %q, not %q", got, want)
	}
	if others := "Ääİſ\u212a\xff"; Lower(others) != others || Upper(others) != others {
		t.Errorf("%q becomes %q and %q", others, Lower(others), Upper(others))
	}
}
