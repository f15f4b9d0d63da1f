package bdd

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

const vars = 6 // of the functions below: small enough to write out their tables

// A table has a function's result for each assignment: bit v of the index is variable v.
type table [1 << vars]uint32

func (d *Diagram) tableOf(n Node) (t table) {
	for i := range t {
		t[i] = d.Eval(n, func(v uint16) bool { return i>>v&1 == 1 })
	}
	return t
}

// TestAgainstTruthTables builds random functions both as diagrams and as tables, and compares what becomes of them.
// Equal tables must be equal Nodes, and only those.
func TestAgainstTruthTables(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		d := New(1 << 20)
		nodes := []Node{False, True}
		tables := []table{{}, {}}
		for i := range tables[1] {
			tables[1][i] = 1
		}
		for v := range uint16(vars) {
			var x table
			for i := range x {
				x[i] = uint32(i) >> v & 1
			}
			nodes, tables = append(nodes, d.Var(v)), append(tables, x)
		}
		pick := func() int { return r.IntN(len(nodes)) }
		for range 300 {
			a, b, c := pick(), pick(), pick()
			var n Node
			var x table
			set := func(f func(a, b, c uint32) uint32) {
				for i := range x {
					x[i] = f(tables[a][i], tables[b][i], tables[c][i])
				}
			}
			switch r.IntN(6) {
			case 0:
				n = d.Not(nodes[a])
				set(func(a, _, _ uint32) uint32 { return 1 - a })
			case 1:
				n = d.And(nodes[a], nodes[b])
				set(func(a, b, _ uint32) uint32 { return a & b })
			case 2:
				n = d.Or(nodes[a], nodes[b])
				set(func(a, b, _ uint32) uint32 { return a | b })
			case 3:
				n = d.If(nodes[a], nodes[b], nodes[c])
				set(func(a, b, c uint32) uint32 {
					if a == 1 {
						return b
					}
					return c
				})
			case 4:
				n = d.Map(nodes[a], func(v uint32) uint32 { return v ^ 1 })
				set(func(a, _, _ uint32) uint32 { return a ^ 1 })
			case 5:
				n = d.Combine(nodes[a], nodes[b], func(x, y uint32) uint32 { return x ^ y })
				set(func(a, b, _ uint32) uint32 { return a ^ b })
			}
			if got := d.tableOf(n); got != x {
				t.Fatalf("a node has another table than its function")
			}
			nodes, tables = append(nodes, n), append(tables, x)
		}
		for i := range nodes {
			for j := range nodes {
				if (nodes[i] == nodes[j]) != (tables[i] == tables[j]) {
					t.Fatalf("nodes %d and %d: equal %v, tables equal %v", nodes[i], nodes[j], nodes[i] == nodes[j],
						tables[i] == tables[j])
				}
			}
		}
		for i, n := range nodes {
			ones, ok := d.Find(n, func(v uint32) bool { return v == 1 })
			index := 0
			for _, v := range ones {
				index |= 1 << v
			}
			if ok != (tables[i] != table{}) || ok && tables[i][index] != 1 {
				t.Fatalf("Find(%d) = %v, %v", n, ones, ok)
			}
			want := slices.Compact(slices.Sorted(slices.Values(tables[i][:])))
			if got := d.Results(n); !slices.Equal(got, want) {
				t.Fatalf("Results(%d) = %v, want %v", n, got, want)
			}
		}
		if d.Err() != nil {
			t.Fatal(d.Err())
		}
	}
}

func TestLeavesCarryAnyNumber(t *testing.T) {
	d := New(1000)
	for _, v := range []uint32{0, 1, 2, 0x7fff0000, 0x80000000, 0xffffffff} {
		n := d.If(d.Var(3), d.Leaf(v), d.Leaf(7))
		if got := d.Eval(n, func(uint16) bool { return true }); got != v {
			t.Errorf("%#x became %#x", v, got)
		}
		if got, ok := d.Value(d.Leaf(v)); !ok || got != v {
			t.Errorf("Value(Leaf(%#x)) = %#x, %v", v, got, ok)
		}
		if d.Is(n, v) != d.Var(3) {
			t.Errorf("where a result is %#x was not found", v)
		}
		if first, second := d.Leaf(v), d.Leaf(v); first != second {
			t.Errorf("two leaves of %#x", v)
		}
	}
	if _, ok := d.Value(d.Var(1)); ok {
		t.Error("a variable has a constant value")
	}
}

// TestWords compares words of bits with the numbers they stand for, all of them.
func TestWords(t *testing.T) {
	const bits, base = 7, 5
	d := New(1 << 20)
	value := func(n Node, x uint64) uint32 {
		return d.Eval(n, func(v uint16) bool { return x>>(base+bits-1-v)&1 == 1 })
	}
	number := func(b bool) uint32 {
		if b {
			return 1
		}
		return 0
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		lo, hi, mask := r.Uint64N(1<<bits), r.Uint64N(1<<bits), r.Uint64N(1<<bits)
		between, masked, most := d.Between(base, bits, lo, hi), d.Masked(base, bits, mask, lo), d.AtMost(base, bits, hi)
		for x := range uint64(1 << bits) {
			if got, want := value(between, x), number(lo <= x && x <= hi); got != want {
				t.Fatalf("%d in %d..%d: %d", x, lo, hi, got)
			}
			if got, want := value(masked, x), number(x&mask == lo&mask); got != want {
				t.Fatalf("%d & %d == %d: %d", x, mask, lo&mask, got)
			}
			if got, want := value(most, x), number(x <= hi); got != want {
				t.Fatalf("%d <= %d: %d", x, hi, got)
			}
		}
	}
}

// TestLimit builds a function whose diagram is exponential in this order of variables, and wants an error soon.
func TestLimit(t *testing.T) {
	d := New(10_000)
	n := False
	for v := range uint16(64) {
		n = d.Or(n, d.And(d.Var(v), d.Var(v+64)))
	}
	if !errors.Is(d.Err(), ErrTooComplex) {
		t.Fatalf("Err() = %v after %d nodes", d.Err(), d.Size())
	}
	if d.Size() > 10_000 {
		t.Errorf("%d nodes were made, the limit is 10000", d.Size())
	}
	if got := d.And(n, d.Var(200)); got != False {
		t.Errorf("past the limit an operation still makes nodes: %d", got)
	}
}

func TestBranchOfLeafIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(10).Branch(True)
}
