package filter

import (
	"errors"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

func TestMismatchReadsWell(t *testing.T) {
	table := mixedTable()
	p := compileOne(t, table)
	at := find(t, p.Insns, func(i bpf.Instruction) bool { return i.Op == bpf.JumpSet && i.K == 0o1103 })
	err := Verify(table, p.with(func(i []bpf.Instruction) { i[at].K = 0o1003 }))
	const want = "filter: openat (arch 0xc000003e, nr 257, args 0xffffff9c 0 0x40 0 0 0) on amd64 must give errno EPERM, " +
		"the program gives allow"
	if err == nil || strings.ReplaceAll(err.Error(), " 0x0", " 0") != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// What the executor cannot follow is an error, never a guess.
func TestVerifyUndecided(t *testing.T) {
	table := &policy.Table{Arch: amd64, Foreign: is(allow), Other: is(allow)}
	for _, prog := range [][]bpf.Instruction{
		{{Op: bpf.LoadWord, K: 16}, {Op: bpf.Add, K: 1}, {Op: bpf.JumpEq, K: 5, Jt: 1}, {Op: bpf.Return, K: allow.Ret()}, {Op: bpf.Return}},
		{{Op: bpf.LoadWord, K: 16}, {Op: bpf.CopyAToX}, {Op: bpf.LoadWord, K: 24}, {Op: bpf.XorX}, {Op: bpf.ReturnA}},
		{{Op: bpf.LoadWord, K: 16}, {Op: bpf.CopyAToX}, {Op: bpf.LshX}, {Op: bpf.ReturnA}},
	} {
		var u *UndecidedError
		if err := Verify(table, &Program{Arch: amd64, Insns: prog}); !errors.As(err, &u) || !errors.Is(err, ErrUndecided) {
			t.Errorf("%v: %v", prog, err)
		}
	}
	if err := Verify(table, &Program{Arch: amd64, Insns: []bpf.Instruction{{Op: bpf.LoadWord, K: 3}, {Op: bpf.Return}}}); !errors.Is(err, bpf.ErrInvalid) {
		t.Errorf("a load that the kernel refuses: %v", err)
	}
}

// Programs of others keep words in X and in memory, shift and mask them; all of that is followed.
func TestEffectFollowsRegisters(t *testing.T) {
	const a, b = 0x7fff0000, 0x80000000
	ops := []bpf.Instruction{
		{Op: bpf.LoadWord, K: 16}, {Op: bpf.Store, K: 3}, {Op: bpf.And, K: 0xff00}, {Op: bpf.Rsh, K: 8},
		{Op: bpf.CopyAToX}, {Op: bpf.LoadMem, K: 3}, {Op: bpf.Lsh, K: 24}, {Op: bpf.Rsh, K: 24}, {Op: bpf.Xor, K: 0xff},
		{Op: bpf.JumpEqX, Jf: 1}, {Op: bpf.Return, K: a}, {Op: bpf.Return, K: b},
	}
	d := policy.NewDecider(1 << 16)
	n, err := Effect(d, &Program{Arch: amd64, Insns: ops})
	if err != nil {
		t.Fatal(err)
	}
	for x := range uint64(1 << 16) {
		in := policy.Input{Args: [6]uint64{x | 0xabc<<40}}
		want := uint32(b)
		if x>>8 == x&0xff^0xff {
			want = a
		}
		if got := d.Result(n, &in); got != want {
			t.Fatalf("%#x: %#x, want %#x", x, got, want)
		}
	}
}

// seccomp(2): of several filters the strictest action wins, between equals the newest's data.
func TestEffectOfStacks(t *testing.T) {
	ret := func(x uint32) *Program {
		return &Program{Arch: amd64, Insns: []bpf.Instruction{{Op: bpf.Return, K: x}}}
	}
	order := []uint32{0x80000000, 0, 0x30000, 0x50001, 0x7fc00000, 0x7ff00000, 0x7ffc0000, 0x7fff0000}
	d := policy.NewDecider(1 << 10)
	effect := func(progs ...*Program) uint32 {
		n, err := Effect(d, progs...)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := d.Value(n)
		if !ok {
			t.Fatal("not a constant")
		}
		return v
	}
	for i, strict := range order {
		for _, mild := range order[i:] {
			if got := effect(ret(strict), ret(mild)); got != strict {
				t.Errorf("%#x then %#x: %#x", strict, mild, got)
			}
			if got := effect(ret(mild), ret(strict)); got != strict {
				t.Errorf("%#x then %#x: %#x", mild, strict, got)
			}
		}
	}
	if got := effect(ret(0x50001), ret(0x50026)); got != 0x50026 {
		t.Errorf("of two errnos the newest: %#x", got)
	}
	if got := effect(); got != allow.Ret() {
		t.Errorf("no filter: %#x", got)
	}
}

func TestVerifyGivesUpInTime(t *testing.T) {
	// The middle bits of two words compared by a program that loops over all of one's bits: no diagram is small.
	var prog []bpf.Instruction
	for bit := range 20 {
		prog = append(prog,
			bpf.Instruction{Op: bpf.LoadWord, K: 16}, bpf.Instruction{Op: bpf.Lsh, K: uint32(bit)},
			bpf.Instruction{Op: bpf.And, K: 1 << 31}, bpf.Instruction{Op: bpf.CopyAToX},
			bpf.Instruction{Op: bpf.LoadWord, K: 56}, bpf.Instruction{Op: bpf.Lsh, K: uint32(bit)},
			bpf.Instruction{Op: bpf.And, K: 1 << 31}, bpf.Instruction{Op: bpf.JumpEqX, Jt: 1}, bpf.Instruction{Op: bpf.Return})
	}
	prog = append(prog, bpf.Instruction{Op: bpf.Return, K: allow.Ret()})
	d := policy.NewDecider(1 << 14)
	if _, err := Effect(d, &Program{Arch: amd64, Insns: prog}); !errors.Is(err, ErrUndecided) || !errors.Is(err, bdd.ErrTooComplex) {
		t.Error(err)
	}
}
