package filter

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

var amd64, _ = kernel.ByName("amd64")

// serverPlain and serverArgs are what testdata/server.policy says, so that these tests need no other package.
var serverPlain = []uint32{0, 1, 3, 5, 8, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 24, 27, 35, 39, 42, 44, 45, 46, 47, 48, 49, 50, 51, 52, 54, 55, 60, 63, 102, 104, 107, 108, 110, 131, 158, 186, 202, 204, 217, 219, 222, 223, 226, 228, 230, 231, 232, 233, 234, 257, 262, 267, 273, 281, 288, 290, 291, 292, 293, 302, 317, 318, 332, 334, 435}

var serverArgs = []struct {
	nr     uint32
	arg    uint8
	values []uint64
}{
	{9, 2, []uint64{0, 1, 3}},              // mmap
	{16, 1, []uint64{21523, 21505}},        // ioctl
	{28, 2, []uint64{4, 8, 14, 15, 25}},    // madvise
	{41, 0, []uint64{1, 2, 10}},            // socket
	{56, 0, []uint64{0x50f00, 0x450f00}},   // clone
	{72, 1, []uint64{1, 2, 3, 4, 1030}},    // fcntl
	{157, 0, []uint64{0x53564d41, 22, 38}}, // prctl
}

var (
	allow  = policy.Action{Kind: policy.Allow}
	eperm  = policy.Action{Kind: policy.Errno, Errno: 1}
	enosys = policy.Action{Kind: policy.Errno, Errno: 38}
	kill   = policy.Action{}
)

func is(a policy.Action) policy.Clause { return policy.Clause{If: policy.Const(true), Action: a} }

func oneOf(arg, bits uint8, values ...uint64) policy.Cond {
	var or policy.Or
	for _, v := range values {
		or = append(or, policy.Range{Arg: arg, Bits: bits, Lo: v, Hi: v})
	}
	return or
}

// serverTable is the policy of the benchmark, everything else getting EPERM.
func serverTable() *policy.Table {
	t := &policy.Table{Arch: amd64, Foreign: is(eperm), Other: is(eperm)}
	for _, nr := range serverPlain {
		t.Calls = append(t.Calls, policy.Decision{Nr: nr, Clauses: []policy.Clause{is(allow)}})
	}
	for _, c := range serverArgs {
		t.Calls = append(t.Calls, policy.Decision{Nr: c.nr, Clauses: []policy.Clause{
			{If: oneOf(c.arg, 32, c.values...), Action: allow}, is(eperm)}})
	}
	slices.SortFunc(t.Calls, func(a, b policy.Decision) int { return cmp.Compare(a.Nr, b.Nr) })
	return t
}

// measure returns how many instructions the allowed alternatives of serverArgs run in the mean.
func measure(t *testing.T, p *Program) float64 {
	t.Helper()
	m, err := bpf.NewMachine(p.Insns)
	if err != nil {
		t.Fatal(err)
	}
	sum, n := 0, 0
	for _, c := range serverArgs {
		for _, v := range c.values {
			d := bpf.Data{Nr: c.nr, Arch: amd64.Audit}
			d.Args[c.arg] = v
			ret, executed := m.Run(&d)
			if ret != allow.Ret() {
				t.Errorf("nr %d, %#x: %#x", c.nr, v, ret)
			}
			sum += executed
			n++
		}
	}
	return float64(sum) / float64(n)
}

// The goals: other compilers of filters run 13.0 instructions in the mean and have 129 in all.
func TestServerTargets(t *testing.T) {
	plain := serverTable()
	full := serverTable() // the numbers that no table has get ENOSYS, x32 is killed
	full.Other, full.Foreign = is(enosys), is(kill)
	var calls []policy.Decision
	for _, c := range amd64.Calls() {
		if d, ok := plain.Find(c.Nr); ok {
			calls = append(calls, *d)
		} else {
			calls = append(calls, policy.Decision{Nr: c.Nr, Name: c.Name, Clauses: []policy.Clause{is(eperm)}})
		}
	}
	full.Calls = calls
	for _, c := range []struct {
		name  string
		table *policy.Table
	}{{"one refusal for all", plain}, {"unknown and foreign numbers told apart", full}} {
		p := compileOne(t, c.table)
		if err := Verify(c.table, p); err != nil {
			t.Fatal(err)
		}
		mean := measure(t, p)
		t.Logf("%s: %d instructions, mean %.2f", c.name, len(p.Insns), mean)
		if mean > 10.4 || len(p.Insns) > 118 {
			t.Errorf("%s: want at most 118 instructions and a mean of 10.4", c.name)
		}
	}
}

// A later stage's filter costs a call that it doesn't mention five instructions, and what it drops makes it grow with
// the logarithm.
func TestLaterStage(t *testing.T) {
	for drops := 1; drops <= 256; drops *= 2 {
		table := &policy.Table{Arch: amd64, Foreign: is(allow), Other: is(allow)}
		for i := range drops {
			table.Calls = append(table.Calls, policy.Decision{Nr: uint32(3*i + 1), Clauses: []policy.Clause{is(eperm)}})
		}
		m, err := bpf.NewMachine(compileOne(t, table).Insns)
		if err != nil {
			t.Fatal(err)
		}
		longest := 0
		for nr := range uint32(3*drops + 2) {
			_, executed := m.Run(&bpf.Data{Nr: nr, Arch: amd64.Audit})
			longest = max(longest, executed)
		}
		if limit := 5 + 2*bits.Len(uint(drops)-1); longest > limit {
			t.Errorf("%d calls dropped: a path of %d instructions, want at most %d", drops, longest, limit)
		}
	}
}

// No path of the search is longer than twice the logarithm of the ranges, plus a constant, whatever the weights.
func TestPathLength(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 13))
		table := &policy.Table{Arch: amd64, Foreign: is(kill), Other: is(eperm)}
		ranges := 1
		for nr := range uint32(20 + random.IntN(400)) {
			switch random.IntN(4) {
			case 0:
				table.Calls = append(table.Calls, policy.Decision{Nr: nr, Clauses: []policy.Clause{is(allow)}})
				ranges += 2
			case 1:
				table.Calls = append(table.Calls, policy.Decision{Nr: nr, Clauses: []policy.Clause{{
					If: oneOf(0, 32, uint64(nr)), Action: allow}, is(eperm)}})
				ranges += 2
			}
		}
		progs, err := Compile(table, Options{Weight: func(nr uint32) float64 { return math.Pow(2, float64(nr%40)) }})
		if err != nil || len(progs) != 1 {
			t.Fatal(len(progs), err)
		}
		m, err := bpf.NewMachine(progs[0].Insns)
		if err != nil {
			t.Fatal(err)
		}
		longest := 0
		for nr := range uint32(500) {
			_, executed := m.Run(&bpf.Data{Nr: nr, Arch: amd64.Audit})
			longest = max(longest, executed)
		}
		if limit := 2*bits.Len(uint(ranges)) + 12; longest > limit {
			t.Errorf("%d ranges: a path of %d instructions, want at most %d", ranges, longest, limit)
		}
	}
}

func BenchmarkCompileServer(b *testing.B) {
	table := serverTable()
	b.ReportAllocs()
	for range b.N {
		if _, err := Compile(table, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
