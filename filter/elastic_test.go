package filter

import (
	"math/rand/v2"
	"runtime"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	netbpf "golang.org/x/net/bpf"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// elasticProgram assembles a policy without conditions as elastic/go-seccomp-bpf does.
func elasticProgram(t testing.TB, names []string) []bpf.Instruction {
	t.Helper()
	p := seccomp.Policy{DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: names}}}
	asm, err := p.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := netbpf.Assemble(asm)
	if err != nil {
		t.Fatal(err)
	}
	prog := make([]bpf.Instruction, len(raw))
	for i, r := range raw {
		prog[i] = bpf.Instruction{Op: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return prog
}

// For policies without conditions elastic's assembler is an oracle, for the architecture that it is built for.
func TestAgainstElastic(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Log("elastic's program is for", runtime.GOARCH, "and compared with amd64's there only")
		return
	}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 17))
		table := &policy.Table{Arch: amd64, Foreign: is(enosys), Other: is(eperm)}
		var names []string
		for _, c := range amd64.Calls() {
			if c.Nr <= 334 && random.IntN(1+int(seed%5)) == 0 { // those that elastic's tables have too
				names = append(names, c.Name)
				table.Calls = append(table.Calls, policy.Decision{Nr: c.Nr, Name: c.Name, Clauses: []policy.Clause{is(allow)}})
			}
		}
		theirs, err := bpf.NewMachine(elasticProgram(t, names))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := bpf.NewMachine(compileOne(t, table).Insns)
		if err != nil {
			t.Fatal(err)
		}
		for nr := range uint32(600) {
			d := bpf.Data{Nr: nr, Arch: amd64.Audit}
			want, _ := theirs.Run(&d)
			if got, _ := ours.Run(&d); got != want {
				t.Fatalf("nr %d: %#x, elastic says %#x", nr, got, want)
			}
		}
		if got, _ := ours.Run(&bpf.Data{Nr: 1 << 30, Arch: amd64.Audit}); got != enosys.Ret() {
			t.Errorf("x32: %#x", got)
		}
	}
}

// The server's plain calls, for comparison with BenchmarkCompileServer, which has conditions too.
func BenchmarkElasticAssemble(b *testing.B) {
	var names []string
	for _, nr := range serverPlain {
		c, _ := amd64.CallNr(nr)
		names = append(names, c.Name)
	}
	p := seccomp.Policy{DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: names}}}
	b.ReportAllocs()
	for range b.N {
		if _, err := p.Assemble(); err != nil {
			b.Fatal(err)
		}
	}
}
