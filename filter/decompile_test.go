package filter_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// noSets is a Library without anything: what Decompile writes needs none.
type noSets struct{}

func (noSets) Set(string, *kernel.Arch) (*policy.Set, error) { return nil, nil }
func (noSets) Names() []string                               { return nil }
func (noSets) Fallbacks(*kernel.Arch) ([]policy.Rule, error) { return nil, nil }

// tableOf returns the table of the last stage of a text.
func tableOf(t testing.TB, arch *kernel.Arch, sets policy.Library, text string) *policy.Table {
	t.Helper()
	f, err := rule.Parse("decompiled", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: sets})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	plan, err := stage.New(p, stage.Env{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return plan.Stages[len(plan.Stages)-1].Table
}

func insnsOf(progs []*filter.Program) (list [][]bpf.Instruction) {
	for _, p := range progs {
		list = append(list, p.Insns)
	}
	return list
}

// roundTrip compiles a table, decompiles the programs, and proves that table and text are what the programs do.
func roundTrip(t testing.TB, table *policy.Table) {
	t.Helper()
	progs, err := filter.Compile(table, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fallbacks := func(a *kernel.Arch) []policy.Rule { return checked(t, a, "read: 1\n").Fallbacks }
	got, err := filter.DecompileStack(insnsOf(progs), filter.DecompileOptions{Arch: table.Arch, Fallbacks: fallbacks})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.ABIs) != 1 || got.ABIs[0].Arch != table.Arch {
		t.Fatalf("%d ABIs", len(got.ABIs))
	}
	abi := got.ABIs[0]
	if !got.Exact || !abi.Exact {
		t.Fatalf("%s: not exact: %+v\n%s", table.Arch.Name, got.Unsaid, abi.Text)
	}
	if err := filter.Verify(abi.Table, progs...); err != nil {
		t.Fatalf("the table: %v\n%s", err, abi.Text)
	}
	sets := runtimeset.For(runtimeset.Build{Arch: table.Arch.Name})
	for _, lib := range []policy.Library{noSets{}, sets} {
		if err := filter.Verify(tableOf(t, table.Arch, lib, abi.Text), progs...); err != nil {
			t.Fatalf("the text: %v\n%s", err, abi.Text)
		}
	}
	f, err := rule.Parse("decompiled", abi.Text)
	if err != nil || rule.Format(f) != abi.Text {
		t.Errorf("formatting changes the text (%v):\n%s", err, abi.Text)
	}
}

func checked(t testing.TB, arch *kernel.Arch, text string) *policy.Policy {
	t.Helper()
	f, err := rule.Parse("t", text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Build{Arch: arch.Name})})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A typist makes conditions that the language can say about a call.
type typist struct {
	*rand.Rand
	args []kernel.Arg
}

func (g *typist) cond(depth int) policy.Cond {
	if depth > 0 && g.IntN(3) > 0 {
		var list []policy.Cond
		for range 1 + g.IntN(3) {
			list = append(list, g.cond(depth-1))
		}
		switch g.IntN(5) {
		case 0:
			return policy.Not{X: list[0]}
		case 1, 2:
			return policy.And(list)
		default:
			return policy.Or(list)
		}
	}
	i := g.IntN(len(g.args))
	typ := g.args[i].Type
	top := uint64(1)<<typ.Bits - 1
	value := func() uint64 {
		edges := [...]uint64{0, 0, 0, 8, 1 << 15, 1 << 31, 1 << 32, 1 << 63, ^uint64(0) - 4}
		return (edges[g.IntN(len(edges))] + uint64(g.IntN(9))) & top
	}
	switch {
	case typ.Pointer:
		return policy.Range{Arg: uint8(i), Bits: typ.Bits}
	case g.IntN(3) == 0:
		mask := value()
		return policy.Masked{Arg: uint8(i), Bits: typ.Bits, Mask: mask, Value: value() & mask}
	case g.IntN(2) == 0:
		a, b := value(), value()
		return policy.Range{Arg: uint8(i), Bits: typ.Bits, Lo: min(a, b), Hi: max(a, b)}
	}
	v := value()
	return policy.Range{Arg: uint8(i), Bits: typ.Bits, Lo: v, Hi: v}
}

func (g *typist) action() policy.Action {
	list := [...]policy.Action{{Kind: policy.Kill}, {Kind: policy.Trap}, {Kind: policy.Errno, Errno: 1},
		{Kind: policy.Errno, Errno: 38}, {Kind: policy.Errno, Errno: 4095}, {Kind: policy.Log}, {Kind: policy.Allow},
		{Kind: policy.Allow}}
	return list[g.IntN(len(list))]
}

// table returns a table that the language can say: all calls have their types.
func (g *typist) table(arch *kernel.Arch) *policy.Table {
	enosys, _ := arch.Errno("ENOSYS")
	always := func(a policy.Action) policy.Clause { return policy.Clause{If: policy.Const(true), Action: a} }
	t := &policy.Table{Arch: arch, Foreign: always(policy.Action{}),
		Other: always(policy.Action{Kind: policy.Errno, Errno: enosys})}
	usual := g.action()
	add := func(nr uint32, name string, args []kernel.Arg, chance int) {
		d := policy.Decision{Nr: nr, Name: name}
		if g.IntN(chance) == 0 && len(args) > 0 {
			g.args = args
			for range 1 + g.IntN(3) {
				d.Clauses = append(d.Clauses, policy.Clause{If: g.cond(2), Action: g.action()})
			}
		}
		last := usual
		if g.IntN(6) == 0 {
			last = g.action()
		}
		d.Clauses = append(d.Clauses, always(last))
		t.Calls = append(t.Calls, d)
	}
	for _, c := range arch.Calls() {
		add(c.Nr, c.Name, c.Args(), 40)
	}
	last := t.Calls[len(t.Calls)-1].Nr
	unknown := make([]kernel.Arg, 6)
	for i := range unknown {
		unknown[i].Type.Bits = uint8(arch.Bits)
	}
	for i := range uint32(3) {
		add(last+7+i*5, "", unknown, 2)
	}
	return t
}

// Tables of all architectures, both byte orders and 32 bits: table → BPF → text → table is the same function.
func TestDecompileRandomTables(t *testing.T) {
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	for seed := range uint64(rounds) {
		for _, name := range kernel.Names() {
			arch, _ := kernel.ByName(name)
			t.Run(name, func(t *testing.T) {
				roundTrip(t, (&typist{Rand: rand.New(rand.NewPCG(seed, uint64(len(name))))}).table(arch))
			})
		}
	}
}

// The policies in the tree, stage by stage, each as one filter and as the stack of those that lead there.
func TestDecompilePolicies(t *testing.T) {
	for _, file := range []string{"testdata/server.policy", "../runtimeset/default.policy",
		"../examples/webserver/seccomp.policy", "../examples/tested/seccomp.policy"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		arches := []string{"amd64", "arm64", "386", "s390x"}
		if strings.HasPrefix(file, "testdata") {
			arches = arches[:2] // it names arguments of mmap that the others don't have
		}
		for _, name := range arches {
			t.Run(strings.TrimSuffix(file, ".policy")+"/"+name, func(t *testing.T) {
				arch, _ := kernel.ByName(name)
				plan, err := stage.New(checked(t, arch, string(text)), stage.Env{"self.pid": 77})
				if err != nil {
					t.Fatal(err)
				}
				var stack [][]bpf.Instruction
				for k := range plan.Stages {
					roundTrip(t, plan.Stages[k].Table)
					progs, err := filter.Compile(plan.Filter(k-1, k), filter.Options{})
					if err != nil {
						t.Fatal(err)
					}
					stack = append(stack, insnsOf(progs)...)
				}
				whole, err := filter.Compile(plan.Stages[len(plan.Stages)-1].Table, filter.Options{})
				if err != nil {
					t.Fatal(err)
				}
				one, err := filter.DecompileStack(insnsOf(whole), filter.DecompileOptions{Arch: arch})
				if err != nil {
					t.Fatal(err)
				}
				all, err := filter.DecompileStack(stack, filter.DecompileOptions{Arch: arch})
				if err != nil {
					t.Fatal(err)
				}
				_, a, _ := strings.Cut(one.ABIs[0].Text, "\n")
				_, b, _ := strings.Cut(all.ABIs[0].Text, "\n")
				if a != b || !all.Exact {
					t.Errorf("the stack reads otherwise than its last stage:\n%s\n---\n%s", a, b)
				}
			})
		}
	}
}

// What is too long for one program comes as several, which only together are the policy.
func TestDecompileSplit(t *testing.T) {
	arch, _ := kernel.ByName("amd64")
	table := (&typist{Rand: rand.New(rand.NewPCG(1, 1))}).table(arch)
	random := rand.New(rand.NewPCG(2, 2))
	for i := range table.Calls {
		d := &table.Calls[i]
		call, ok := arch.CallNr(d.Nr)
		if args := call.Args(); ok && call.Known() && len(args) > 0 && !args[0].Type.Pointer {
			var or policy.Or
			for range 25 {
				v := random.Uint64() & (1<<args[0].Type.Bits - 1) &^ 1
				or = append(or, policy.Range{Bits: args[0].Type.Bits, Lo: v, Hi: v})
			}
			d.Clauses = []policy.Clause{{If: or, Action: policy.Action{Kind: policy.Allow}},
				{If: policy.Const(true), Action: policy.Action{Kind: policy.Errno, Errno: 1}}}
		}
	}
	progs, err := filter.Compile(table, filter.Options{})
	if err != nil || len(progs) < 2 {
		t.Fatalf("%d programs, %v", len(progs), err)
	}
	got, err := filter.DecompileStack(insnsOf(progs), filter.DecompileOptions{Arch: arch})
	if err != nil || !got.Exact {
		t.Fatalf("%v, exact %v", err, got.Exact)
	}
	if err := filter.Verify(got.ABIs[0].Table, progs...); err != nil {
		t.Error(err)
	}
}

func BenchmarkDecompile(b *testing.B) {
	insns := readForeign(b, foreignDir+"docker.bpf")
	arch := foreignArch("")
	b.ReportAllocs()
	for range b.N {
		if _, err := filter.Decompile(insns, filter.DecompileOptions{Arch: arch}); err != nil {
			b.Fatal(err)
		}
	}
}
