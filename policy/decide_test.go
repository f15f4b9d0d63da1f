package policy

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
)

// edges are the values at which conditions change their minds.
func edges(rng *rand.Rand) uint64 {
	near := [...]uint64{0, 1, 2, 3, 7, 1 << 15, 1<<16 - 1, 1 << 16, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, 1<<64 - 1}
	x := near[rng.IntN(len(near))]
	switch rng.IntN(4) {
	case 0:
		x++
	case 1:
		x--
	case 2:
		x ^= 1 << rng.IntN(64)
	}
	return x
}

// randomCond returns a condition over the first few arguments.
func randomCond(rng *rand.Rand, depth int) Cond {
	if depth > 0 {
		switch rng.IntN(4) {
		case 0:
			return Not{randomCond(rng, depth-1)}
		case 1:
			return And{randomCond(rng, depth-1), randomCond(rng, depth-1)}
		case 2:
			return Or{randomCond(rng, depth-1), randomCond(rng, depth-1), randomCond(rng, depth-1)}
		}
	}
	bits := []uint8{16, 32, 64}[rng.IntN(3)]
	arg := uint8(rng.IntN(3))
	if rng.IntN(2) == 0 {
		mask := edges(rng) & widest(bits)
		return Masked{arg, bits, mask, edges(rng) & mask}
	}
	lo, hi := edges(rng)&widest(bits), edges(rng)&widest(bits)
	return Range{arg, bits, min(lo, hi), max(lo, hi)}
}

func TestDeciderAgreesWithHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		c := randomCond(rng, 3)
		d := NewDecider(1 << 16)
		n := d.Cond(c)
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			in := Input{Args: [6]uint64{edges(rng), edges(rng), edges(rng)}}
			if got, want := d.Result(n, &in) == 1, c.Holds(&in.Args); got != want {
				t.Fatalf("%#v\nfor %s: diagram says %v, Holds %v", c, in, got, want)
			}
		}
		for _, want := range []uint32{0, 1} {
			in, ok := d.Example(n, func(v uint32) bool { return v == want })
			if !ok {
				if v, constant := d.Value(n); !constant || v == want {
					t.Fatalf("%#v: no example for %d", c, want)
				}
				continue
			}
			if c.Holds(&in.Args) != (want == 1) {
				t.Fatalf("%#v: %s is no example for %d", c, in, want)
			}
		}
	}
}

func TestTruthOf(t *testing.T) {
	tests := []struct {
		name string
		c    Cond
		want Truth
	}{
		{"const", Const(true), Always},
		{"one value", Range{0, 32, 5, 5}, Sometimes},
		{"all values", Range{0, 16, 0, 65535}, Always},
		{"no values", Range{0, 16, 5, 4}, Never},
		{"covered together", Or{Range{0, 32, 0, 7}, Range{0, 32, 8, 1<<32 - 1}}, Always},
		{"covered in disorder", Or{Range{0, 32, 8, 1<<32 - 1}, Range{0, 32, 0, 7}}, Always},
		{"covered twice", Or{Range{0, 32, 0, 7}, Range{0, 32, 5, 1<<32 - 1}}, Always},
		{"more than there is", Or{Range{0, 16, 0, 65535}, Range{0, 16, 70000, 70001}}, Always},
		{"of two widths", Or{Range{0, 16, 0, 7}, Range{0, 32, 9, 1<<32 - 1}}, Sometimes},
		{"two that never hold", Or{Range{0, 32, 7, 5}, Range{0, 32, 12, 10}}, Never},
		{"a list", Or{Range{0, 32, 0, 7}, Range{0, 32, 9, 1<<32 - 1}}, Sometimes},
		{"apart", And{Range{0, 32, 0, 7}, Range{0, 32, 8, 1<<32 - 1}}, Never},
		{"value outside the mask", Masked{0, 32, 1, 2}, Never},
		{"nothing masked", Masked{0, 32, 0, 0}, Always},
		{"of two arguments", And{Range{0, 32, 0, 7}, Range{1, 32, 8, 9}}, Sometimes},
		{"symbol or not", Or{Symbol{0, 32, "self.pid", true}, Not{Symbol{0, 32, "self.pid", false}}}, Always},
		{"symbol and number", And{Symbol{0, 32, "self.pid", false}, Not{Range{0, 32, 1, 1}}}, Sometimes},
		{"parts at odds for steering", And{Or{Range{0, 32, 1, 1}, Range{0, 32, 2, 2}}, Range{0, 32, 2, 9}}, Sometimes},
	}
	for _, tt := range tests {
		if got, err := TruthOf(tt.c); got != tt.want || err != nil {
			t.Errorf("%s: TruthOf = %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

// The quick answer must never differ from the exact one.
func TestSometimesIsRight(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	quick := 0
	for range 3000 {
		c := randomCond(rng, 2)
		if !sometimes(c) {
			continue
		}
		quick++
		d := NewDecider(1 << 16)
		if n := d.Cond(c); n == bdd.True || n == bdd.False {
			t.Fatalf("%#v is constant", c)
		}
	}
	if quick < 1500 {
		t.Errorf("only %d of 3000 were answered quickly", quick)
	}
}

func TestTruthOfTooComplex(t *testing.T) {
	// Bit i of one argument equals bit i of the other, for all i: exponential in msb-first order, argument by
	// argument. Both sides of the second half make it constant, so that no example is found.
	var equal And
	for i := range uint(40) {
		bit := uint64(1) << i
		equal = append(equal, Or{
			And{Masked{0, 64, bit, 0}, Masked{1, 64, bit, 0}},
			And{Masked{0, 64, bit, bit}, Masked{1, 64, bit, bit}},
		})
	}
	_, err := TruthOf(Or{equal, Not{equal}})
	if !errors.Is(err, bdd.ErrTooComplex) {
		t.Errorf("TruthOf = %v; want ErrTooComplex", err)
	}
}

func TestDeciderTable(t *testing.T) {
	eperm := Action{Errno, 1}
	enosys := Action{Errno, 38}
	tab := &Table{
		Arch: &kernel.Arch{Audit: 0xc000003e, Bits: 64, X32: true},
		Calls: []Decision{
			{Nr: 0, Clauses: []Clause{{If: Const(true), Action: Action{Kind: Allow}}}},
			{Nr: 1, Clauses: []Clause{
				{If: Range{0, 32, 1, 2}, Action: Action{Kind: Log}},
				{If: Masked{1, 64, 8, 8}, Action: Action{Kind: Trap}},
				{If: Const(true), Action: eperm},
			}},
		},
		Foreign: Clause{If: Const(true)},
		Other:   Clause{If: Const(true), Action: enosys},
	}
	d := NewDecider(1 << 16)
	n := d.Table(tab)
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
	nrs := []uint32{0, 1, 2, 500, 1<<30 - 1, 1 << 30, 1<<30 + 1, 1<<31 + 1, 1<<32 - 2, 1<<32 - 1}
	for _, nr := range nrs {
		for _, args := range [][6]uint64{{}, {1}, {2 | 1<<32}, {3, 8}, {3, 9}, {3, 7}} {
			in := Input{Arch: tab.Arch.Audit, Nr: nr, Args: args}
			want := tab.Eval(nr, args).Action.Ret()
			if got := d.Result(n, &in); got != want {
				t.Errorf("%s: %#x, want %#x", in, got, want)
			}
			in.Arch = 0x40000003
			if got := d.Result(n, &in); got != (Action{}).Ret() {
				t.Errorf("foreign %s: %#x, want kill", in, got)
			}
		}
	}
	in, ok := d.Example(n, func(ret uint32) bool { return ret == (Action{Kind: Trap}).Ret() })
	if !ok || in.Arch != tab.Arch.Audit || in.Nr != 1 || in.Args[1] != 8 {
		t.Errorf("example of a trap: %s, %v", in, ok)
	}
}
