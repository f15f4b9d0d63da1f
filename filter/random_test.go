package filter

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/corpus"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// testArches are one of each kind: byte order, register size, foreign numbers.
var testArches = []*kernel.Arch{
	amd64,
	{Name: "arm64", Audit: 0xc00000b7, Bits: 64},
	{Name: "s390x", Audit: 0x80000016, Bits: 64, BigEndian: true},
	{Name: "386", Audit: 0x40000003, Bits: 32},
	{Name: "mips", Audit: 8, Bits: 32, BigEndian: true},
}

// A dice gives small numbers that shape a table: those of a random generator, or of a fuzzer's bytes.
type dice interface{ IntN(n int) int }

// bytesDice takes its numbers from bytes; at their end all are 0.
type bytesDice struct{ b []byte }

func (s *bytesDice) IntN(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	x := int(s.b[0])
	s.b = s.b[1:]
	if n > 256 && len(s.b) > 0 {
		x = x<<8 | int(s.b[0])
		s.b = s.b[1:]
	}
	return x % n
}

// A generator makes tables whose conditions use few values, near each other and near the edges of words, so that
// they touch and overlap.
type generator struct {
	dice
	bits int // of registers
}

func (g *generator) table(arch *kernel.Arch, calls int) *policy.Table {
	g.bits = arch.Bits
	t := &policy.Table{Arch: arch, Foreign: is(g.action()), Other: is(g.action())}
	nr := uint32(0)
	for range calls {
		nr += uint32(1 + g.IntN(4)*g.IntN(4))
		t.Calls = append(t.Calls, policy.Decision{Nr: nr, Name: fmt.Sprintf("call%d", nr), Clauses: g.clauses()})
		nr++
	}
	return t
}

func (g *generator) clauses() (list []policy.Clause) {
	if g.IntN(3) > 0 {
		for range 1 + g.IntN(3) {
			list = append(list, policy.Clause{If: g.cond(2 + g.IntN(2)), Action: g.action()})
		}
	}
	return append(list, is(g.action()))
}

func (g *generator) action() policy.Action {
	switch g.IntN(8) {
	case 0:
		return kill
	case 1:
		return policy.Action{Kind: policy.Trap}
	case 2:
		return policy.Action{Kind: policy.Log}
	case 3:
		return enosys
	case 4:
		return eperm
	}
	return allow
}

func (g *generator) cond(depth int) policy.Cond {
	if depth > 0 {
		switch g.IntN(6) {
		case 0:
			return policy.Not{X: g.cond(depth - 1)}
		case 1, 2:
			return policy.And(g.conds(depth - 1))
		case 3, 4:
			return policy.Or(g.conds(depth - 1))
		}
	}
	arg, width := uint8(g.IntN(3)), g.width()
	top := widest(width)
	switch g.IntN(8) {
	case 0:
		return policy.Const(g.IntN(2) == 0)
	case 1, 2, 3:
		mask := g.value() & top
		value := g.value() & top
		if g.IntN(4) > 0 {
			value &= mask
		}
		return policy.Masked{Arg: arg, Bits: width, Mask: mask, Value: value}
	case 4, 5:
		lo, hi := g.value()&top, g.value()&top
		if lo > hi && g.IntN(4) > 0 {
			lo, hi = hi, lo
		}
		return policy.Range{Arg: arg, Bits: width, Lo: lo, Hi: hi}
	}
	v := g.value() & top
	return policy.Range{Arg: arg, Bits: width, Lo: v, Hi: v}
}

func (g *generator) conds(depth int) (list []policy.Cond) {
	for range g.IntN(5) {
		list = append(list, g.cond(depth))
	}
	return list
}

func (g *generator) width() uint8 {
	switch {
	case g.IntN(4) == 0:
		return 16
	case g.bits == 32 || g.IntN(2) == 0:
		return 32
	}
	return 64
}

func (g *generator) value() uint64 {
	bases := [...]uint64{0, 0, 4, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1<<32 + 1<<31, 1 << 63, ^uint64(0) - 3, 0xffff_fffc}
	return bases[g.IntN(len(bases))] + uint64(g.IntN(6)) - uint64(g.IntN(2))
}

// edges returns the values at which the conditions of a call may change, by argument.
func edges(c policy.Cond, of *[6][]uint64) {
	add := func(arg uint8, values ...uint64) { of[arg] = append(of[arg], values...) }
	switch c := c.(type) {
	case policy.Not:
		edges(c.X, of)
	case policy.And:
		for _, x := range c {
			edges(x, of)
		}
	case policy.Or:
		for _, x := range c {
			edges(x, of)
		}
	case policy.Range:
		high := uint64(0)
		if c.Bits < 64 {
			high = 1 << c.Bits
		}
		add(c.Arg, c.Lo, c.Lo-1, c.Hi, c.Hi+1, c.Lo|high, c.Lo^1<<32, c.Lo<<32|c.Lo>>32)
	case policy.Masked:
		low := c.Mask & -c.Mask
		add(c.Arg, c.Value, c.Value|^c.Mask, c.Value^low, c.Value^c.Mask, c.Value^1<<32, 0)
	}
}

// inputs yields inputs near all the edges of a table.
func inputs(t *policy.Table, random *rand.Rand, perCall int, yield func(*bpf.Data)) {
	last := uint32(0)
	try := func(nr uint32, args [6]uint64) {
		if t.Arch.Bits == 32 {
			for i := range args {
				args[i] &= 1<<32 - 1
			}
		}
		yield(&bpf.Data{Nr: nr, Arch: t.Arch.Audit, Args: args, BigEndian: t.Arch.BigEndian, IP: random.Uint64()})
	}
	for i := range t.Calls {
		d := &t.Calls[i]
		var of [6][]uint64
		for _, c := range d.Clauses {
			edges(c.If, &of)
		}
		for range perCall {
			var args [6]uint64
			for a := range args {
				if values := of[a]; len(values) > 0 && random.IntN(8) > 0 {
					args[a] = values[random.IntN(len(values))]
				} else if random.IntN(2) == 0 {
					args[a] = random.Uint64()
				}
			}
			try(d.Nr, args)
		}
		try(d.Nr-1, [6]uint64{})
		try(d.Nr+1, [6]uint64{})
		last = d.Nr
	}
	for _, nr := range []uint32{0, last + 2, 1<<30 - 1, 1 << 30, 1<<30 + 1, 1 << 31, 1<<32 - 2, 1<<32 - 1} {
		try(nr, [6]uint64{})
	}
	yield(&bpf.Data{Nr: last, Arch: t.Arch.Audit ^ 1, BigEndian: t.Arch.BigEndian})
}

// checkTable compiles a table, proves the programs, and runs them.
func checkTable(t *testing.T, table *policy.Table, o Options, random *rand.Rand, perCall int) []*Program {
	t.Helper()
	progs, err := Compile(table, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(table, progs...); err != nil {
		t.Fatalf("%v\n%v", err, describe(table))
	}
	var machines []*bpf.Machine
	for _, p := range progs {
		m, err := bpf.NewMachine(p.Insns)
		if err != nil {
			t.Fatal(err)
		}
		machines = append(machines, m)
	}
	inputs(table, random, perCall, func(d *bpf.Data) {
		got := allow.Ret()
		for _, m := range machines {
			ret, _ := m.Run(d)
			got = Stricter(got, ret)
		}
		want := kill.Ret()
		if d.Arch == table.Arch.Audit {
			want = table.Eval(d.Nr, d.Args).Action.Ret()
		}
		if got != want {
			t.Fatalf("%+v: got %#x, want %#x\n%v", *d, got, want, describe(table))
		}
	})
	for i := range table.Calls {
		d := &table.Calls[i]
		if len(d.Clauses) == 1 && d.Clauses[0].Action == allow {
			for _, p := range progs {
				if !bpf.ConstantAllow(p.Insns, table.Arch.Audit, d.Nr) {
					t.Errorf("call %d is allowed, and the kernel's bitmap does not hold it", d.Nr)
				}
			}
		}
	}
	return progs
}

func describe(t *policy.Table) (s string) {
	s = t.Arch.Name + "\n"
	for _, d := range t.Calls {
		s += fmt.Sprintf("%d: %#v\n", d.Nr, d.Clauses)
	}
	return s
}

func TestRandomTables(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 1))
		g := &generator{dice: random}
		arch := testArches[seed%uint64(len(testArches))]
		checkTable(t, g.table(arch, random.IntN(12)), Options{}, random, 60)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzCompile(f *testing.F) {
	corpus.AddBytes(f)
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 2))
		b := make([]byte, 20<<seed)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g := &generator{dice: &bytesDice{b}}
		arch := testArches[g.IntN(len(testArches))]
		random := rand.New(rand.NewPCG(uint64(len(b)), 3))
		checkTable(t, g.table(arch, g.IntN(10)), Options{}, random, 20)
	})
}
