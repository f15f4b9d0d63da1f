package filter

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// mixedTable has every kind of condition in it, so that its program has every kind of instruction.
func mixedTable() *policy.Table {
	const at = 1<<32 - 100 // AT_FDCWD in the low word
	return &policy.Table{Arch: amd64, Foreign: is(kill), Other: is(enosys), Calls: []policy.Decision{
		{Nr: 1, Name: "write", Clauses: []policy.Clause{{If: oneOf(0, 32, 1, 2), Action: allow}, is(eperm)}},
		{Nr: 9, Name: "mmap", Clauses: []policy.Clause{
			{If: policy.And{oneOf(2, 32, 0, 1, 3), policy.Masked{Arg: 3, Bits: 32, Mask: 0x30, Value: 0x20}}, Action: allow},
			{If: policy.Masked{Arg: 2, Bits: 32, Mask: 4, Value: 4}, Action: kill}, is(eperm)}},
		{Nr: 39, Name: "getpid", Clauses: []policy.Clause{is(allow)}},
		{Nr: 83, Name: "mkdir", Clauses: []policy.Clause{{If: policy.Range{Arg: 1, Bits: 16, Hi: 0o777}, Action: allow}, is(eperm)}},
		{Nr: 257, Name: "openat", Clauses: []policy.Clause{
			{If: policy.And{oneOf(0, 32, at), policy.Masked{Arg: 2, Bits: 32, Mask: 0o1103, Value: 0}}, Action: allow}, is(eperm)}},
		{Nr: 302, Name: "prlimit64", Clauses: []policy.Clause{
			{If: policy.Range{Arg: 2, Bits: 64, Lo: 1<<32 - 5, Hi: 1<<33 + 7}, Action: allow}, is(eperm)}},
	}}
}

func compileOne(t testing.TB, table *policy.Table) *Program {
	t.Helper()
	progs, err := Compile(table, Options{})
	if err != nil || len(progs) != 1 {
		t.Fatal(len(progs), err)
	}
	return progs[0]
}

// with returns the program with its instructions changed.
func (p *Program) with(change func([]bpf.Instruction)) *Program {
	q := *p
	q.Insns = slices.Clone(p.Insns)
	change(q.Insns)
	return &q
}

// mustMismatch demands that Verify finds an input for which the program differs, and that it really does.
func mustMismatch(t *testing.T, table *policy.Table, p *Program, what string) {
	t.Helper()
	err := Verify(table, p)
	var m *Mismatch
	if !errors.As(err, &m) || !errors.Is(err, ErrMismatch) {
		t.Errorf("%s: Verify says %v", what, err)
		return
	}
	confirm(t, table, p, m, what)
}

// confirm runs the example of a mismatch.
func confirm(t *testing.T, table *policy.Table, p *Program, m *Mismatch, what string) {
	t.Helper()
	machine, err := bpf.NewMachine(p.Insns)
	if err != nil {
		t.Fatal(err)
	}
	in := m.Input
	got, _ := machine.Run(&bpf.Data{Nr: in.Nr, Arch: in.Arch, IP: in.IP, Args: in.Args, BigEndian: table.Arch.BigEndian})
	want := kill.Ret()
	if in.Arch == table.Arch.Audit {
		want = table.Eval(in.Nr, in.Args).Action.Ret()
	}
	if got == want || got != m.Got || want != m.Want {
		t.Errorf("%s: %v, but the machine gives %#x and the table %#x", what, m, got, want)
	}
}

// find returns the first instruction that is like want.
func find(t *testing.T, prog []bpf.Instruction, want func(i bpf.Instruction) bool) int {
	t.Helper()
	at := slices.IndexFunc(prog, want)
	if at < 0 {
		t.Fatal("the program has no such instruction")
	}
	return at
}

func TestVerifyFindsPlantedMistakes(t *testing.T) {
	table := mixedTable()
	p := compileOne(t, table)
	if err := Verify(table, p); err != nil {
		t.Fatal(err)
	}
	conditional := func(i bpf.Instruction) bool { return i.IsJump() && i.Op != bpf.Jump && i.Jf > 0 }
	loadOf := func(off uint32) func(bpf.Instruction) bool {
		return func(i bpf.Instruction) bool { return i.Op == bpf.LoadWord && i.K == off }
	}
	for _, c := range []struct {
		name   string
		change func([]bpf.Instruction)
	}{
		{"off-by-one jump", func(i []bpf.Instruction) { i[find(t, i[2:], conditional)+2].Jf-- }},
		{"swapped branch", func(i []bpf.Instruction) { x := &i[find(t, i, conditional)]; x.Jt, x.Jf = x.Jf, x.Jt }},
		{"wrong word", func(i []bpf.Instruction) { i[find(t, i, loadOf(bpf.ArgOffset(2, false, false)))].K += 8 }},
		{"low word for high", func(i []bpf.Instruction) { i[find(t, i, loadOf(bpf.ArgOffset(2, true, false)))].K -= 4 }},
		{"dropped mask", func(i []bpf.Instruction) {
			i[find(t, i, func(i bpf.Instruction) bool { return i.Op == bpf.And })].K = 1<<32 - 1
		}},
		{"lost high half", func(i []bpf.Instruction) {
			// The load of the high word stays, the test of it always goes where 0 would.
			at := find(t, i, loadOf(bpf.ArgOffset(2, true, false)))
			i[at] = bpf.Instruction{Op: bpf.LoadImm}
		}},
		{"nr not reloaded", func(i []bpf.Instruction) { i[find(t, i, loadOf(bpf.OffNr))].K = bpf.OffArch }},
		{"foreign architectures let in", func(i []bpf.Instruction) {
			i[find(t, i, func(i bpf.Instruction) bool { return i.K == table.Arch.Audit })] = bpf.Instruction{Op: bpf.Jump, K: 1}
		}},
	} {
		mustMismatch(t, table, p.with(c.change), c.name)
	}
}

func TestVerifyFindsFarJumpMistake(t *testing.T) {
	table := scattered(100, 20)
	table.Other = is(enosys) // what a call that misses gets is not what a value that misses gets
	p := compileOne(t, table)
	far := 0
	for at, i := range p.Insns {
		if i.Op == bpf.Jump {
			far++
			for _, off := range []uint32{i.K & 0xff, i.K - 256} { // as if a byte had overflowed
				mustMismatch(t, table, p.with(func(prog []bpf.Instruction) { prog[at].K = off }), i.At(at))
			}
			if far == 5 {
				break
			}
		}
	}
	if far == 0 {
		t.Error("no far jump")
	}
}

// mutants yields the program with one instruction changed, in every way that is likely to matter.
func mutants(p *Program, yield func(*Program, int)) {
	for at, i := range p.Insns {
		var list []bpf.Instruction
		add := func(i bpf.Instruction) { list = append(list, i) }
		switch {
		case i.Op == bpf.LoadWord:
			for off := uint32(0); off < bpf.DataSize; off += 4 {
				add(bpf.Instruction{Op: i.Op, K: off})
			}
		case i.Op == bpf.And:
			for n := range 32 {
				add(bpf.Instruction{Op: i.Op, K: i.K ^ 1<<n})
			}
			add(bpf.Instruction{Op: bpf.Or, K: i.K})
		case i.IsReturn():
			add(bpf.Instruction{Op: i.Op, K: allow.Ret()})
			add(bpf.Instruction{Op: i.Op, K: i.K + 1})
		case i.Op == bpf.Jump:
			add(bpf.Instruction{Op: i.Op, K: i.K + 1})
			add(bpf.Instruction{Op: i.Op, K: i.K - 1})
		default:
			for _, op := range []uint16{bpf.JumpEq, bpf.JumpGe, bpf.JumpGt, bpf.JumpSet} {
				add(bpf.Instruction{Op: op, Jt: i.Jt, Jf: i.Jf, K: i.K})
			}
			for n := range 32 {
				add(bpf.Instruction{Op: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K ^ 1<<n})
			}
			for _, d := range []uint32{1, 1<<32 - 1} {
				add(bpf.Instruction{Op: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K + d})
				add(bpf.Instruction{Op: i.Op, Jt: i.Jt + uint8(d), Jf: i.Jf, K: i.K})
				add(bpf.Instruction{Op: i.Op, Jt: i.Jt, Jf: i.Jf + uint8(d), K: i.K})
			}
			add(bpf.Instruction{Op: i.Op, Jt: i.Jf, Jf: i.Jt, K: i.K})
		}
		for _, m := range list {
			if m != i {
				yield(p.with(func(prog []bpf.Instruction) { prog[at] = m }), at)
			}
		}
	}
}

// Every program with one instruction changed is either found, or does the same on all inputs that could tell.
func TestVerifyDecidesAllMutants(t *testing.T) {
	for _, arch := range testArches {
		table := mixedTable()
		table.Arch = arch
		if arch.Bits == 32 {
			table.Calls = table.Calls[:5] // without the 64-bit argument
		}
		p := compileOne(t, table)
		found, same, refused := 0, 0, 0
		mutants(p, func(q *Program, at int) {
			machine, err := bpf.NewMachine(q.Insns)
			if err != nil {
				refused++
				return
			}
			what := p.Insns[at].At(at) + " → " + q.Insns[at].At(at)
			err = Verify(table, q)
			var m *Mismatch
			if errors.As(err, &m) {
				found++
				confirm(t, table, q, m, what)
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			same++
			random := rand.New(rand.NewPCG(uint64(at), 5))
			inputs(table, random, 80, func(d *bpf.Data) {
				want := kill.Ret()
				if d.Arch == arch.Audit {
					want = table.Eval(d.Nr, d.Args).Action.Ret()
				}
				if got, _ := machine.Run(d); got != want {
					t.Errorf("%s: Verify sees no difference, the machine does: %+v gives %#x, not %#x", what, *d, got, want)
				}
			})
		})
		t.Logf("%s: %d found, %d equivalent, %d refused by the kernel's check", arch.Name, found, same, refused)
		if found < 500 || found < 4*same {
			t.Errorf("%s: only %d of %d found", arch.Name, found, found+same)
		}
	}
}
