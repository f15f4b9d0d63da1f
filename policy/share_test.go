package policy

import (
	"math"
	"testing"
)

func TestShareOfConditions(t *testing.T) {
	pid := Symbol{Arg: 0, Bits: 32, Name: "self.pid", Set: true}
	tests := []struct {
		c    Cond
		want float64
	}{
		{Const(true), 1},
		{Const(false), 0},
		{pid, math.Pow(2, -32)},
		{Or{pid, Range{0, 32, 7, 7}}, 2 * math.Pow(2, -32)},
		{And{pid, Not{pid}}, 0},
		{Masked{2, 32, 3, 0}, 0.25},
		{And{Masked{2, 32, 3, 0}, Range{1, 64, 8192, 8192}}, math.Pow(2, -66)},
	}
	for _, tt := range tests {
		if got, err := Share(tt.c); got != tt.want || err != nil {
			t.Errorf("%v: %g, %v, want %g", tt.c, got, err, tt.want)
		}
	}
}
