package bdd

import (
	"math"
	"testing"
)

func TestShare(t *testing.T) {
	d := New(1 << 12)
	tests := []struct {
		n    Node
		want float64
	}{
		{False, 0},
		{True, 1},
		{d.Var(7), 0.5},
		{d.And(d.Var(1), d.Var(2)), 0.25},
		{d.Or(d.Var(1), d.Var(2)), 0.75},
		{d.Masked(0, 32, 1<<32-1, 9), math.Pow(2, -32)},
		{d.Between(0, 32, 3, 5), 3 * math.Pow(2, -32)},
		{d.And(d.Masked(0, 64, 1<<64-1, 9), d.Masked(64, 64, 1<<64-1, 1)), math.Pow(2, -128)},
	}
	for _, tt := range tests {
		if got := d.Share(tt.n); got != tt.want {
			t.Errorf("share %g, want %g", got, tt.want)
		}
	}
}
