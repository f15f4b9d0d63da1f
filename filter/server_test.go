package filter

import (
	"cmp"
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

func TestServerTargets(t *testing.T) {
	table := serverTable()
	progs, err := Compile(table, Options{})
	if err != nil || len(progs) != 1 {
		t.Fatal(progs, err)
	}
	p := progs[0]
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
	t.Logf("%d instructions, mean %.2f of %d", len(p.Insns), float64(sum)/float64(n), n)
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
