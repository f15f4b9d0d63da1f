package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	elastic "github.com/elastic/go-seccomp-bpf"
	gvisor "gvisor.dev/gvisor/pkg/seccomp"

	"github.com/stagelock/seccomp/internal/bpf"
)

func load(t *testing.T, prog []bpf.Instruction, err error) *bpf.Machine {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	m, err := bpf.NewMachine(prog)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What is counted stands in docs/performance.md as it is.
func TestPerformanceIsTold(t *testing.T) {
	text := published(t)
	told := make(map[string]bool)
	for line := range strings.Lines(text) {
		told[strings.Join(strings.Fields(line), " ")] = true
	}
	s := policyOf(t)
	mix, err := readMix()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range compilers {
		prog, err := c.compile(s)
		if err == errNoLibseccomp {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n, err := count(s, prog, mix)
		if err != nil {
			t.Fatal(err)
		}
		if row := strings.Join(strings.Fields(c.name+" "+n.String()), " "); !told[row] {
			t.Errorf("docs/performance.md has no line %q: go run -tags libseccomp . -counts prints it", row)
		}
	}
}

// So does what compiling allocates, but for a tenth more or less: the runtime allocates for itself, too, and other Go releases
// do it otherwise.
func TestAllocationsAreTold(t *testing.T) {
	text := published(t)
	_, rows, _ := strings.Cut(text, " compiling, ")
	rows, _, _ = strings.Cut(rows, "\n\n")
	s := policyOf(t)
	for _, c := range contests {
		do, err := c.prepare(s)
		if err == errNoLibseccomp {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := &run{name: c.name, do: do}
		if err := r.count(); err != nil {
			t.Fatal(err)
		}
		_, row, _ := strings.Cut(rows, " "+c.name+"  ")
		row, _, _ = strings.Cut(row, "\n")
		var median, least, allocs, kb float64
		if _, err := fmt.Sscan(row, &median, &least, &allocs, &kb); err != nil {
			t.Errorf("docs/performance.md has no row of %q: %v", c.name, err)
			continue
		}
		if !near(allocs, r.allocs) || !near(kb, r.bytes/1000) {
			t.Errorf("%s: docs/performance.md has %.0f allocations and %.1f KB, it is %.0f and %.1f", c.name, allocs, kb, r.allocs, r.bytes/1000)
		}
	}
}

// published returns the text that the figures stand in.
func published(t *testing.T) string {
	t.Helper()
	name, err := find("docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func near(told, is float64) bool { return told > 0.9*is && told < 1.1*is }

func policyOf(t *testing.T) *shared {
	t.Helper()
	s, err := readShared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The goals of the compiler, beside what the peers have.
func TestGoals(t *testing.T) {
	s := policyOf(t)
	mix, err := readMix()
	if err != nil {
		t.Fatal(err)
	}
	var ours counts
	for _, c := range compilers {
		prog, err := c.compile(s)
		if err == errNoLibseccomp {
			t.Logf("%s: %v", c.name, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n, err := count(s, prog, mix)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %+v", c.name, n)
		if c.name == "stagelock" {
			ours = n
			continue
		}
		if ours.instructions >= n.instructions || ours.checked >= n.checked || ours.mix >= n.mix || ours.longest > n.longest {
			t.Errorf("%s: %+v is better than %+v", c.name, n, ours)
		}
	}
	if ours.instructions > 118 || ours.checked > 10.4 || ours.mix >= ours.checked || ours.held != 70 {
		t.Errorf("%+v: want at most 118 instructions, a mean of 10.4, less over the recorded mix, and all 70 plain calls held", ours)
	}
}

// Every program of the shared policy does what the evaluator says, as far as the peers can say it: unknown and foreign
// numbers they refuse as any other, and of an argument they compare all 64 bits, where the kernel reads 32.
func TestSharedPolicy(t *testing.T) {
	s := policyOf(t)
	for _, c := range compilers {
		prog, err := c.compile(s)
		if err == errNoLibseccomp {
			t.Logf("%s: %v", c.name, err)
			continue
		}
		m := load(t, prog, err)
		compared, strict := 0, 0
		for nr := range uint32(600) {
			for _, args := range edges(s, nr) {
				got, _ := m.Run(&bpf.Data{Nr: nr, Arch: arch.Audit, Args: args})
				want := s.table.Eval(nr, args).Action.Allows()
				compared++
				switch {
				case want == (got == retAllow):
				case want && high(args):
					strict++ // bits that the kernel ignores break the allowance
				default:
					t.Errorf("%s: nr %d %#x gets %#x, the policy says allowed=%t", c.name, nr, args, got, want)
				}
			}
		}
		t.Logf("%s: %d calls compared, %d refused for bits that the kernel ignores", c.name, compared, strict)
		if compared == 0 || c.name == "stagelock" && strict > 0 {
			t.Errorf("%s: %d compared, %d too strict", c.name, compared, strict)
		}
	}
}

func high(args [6]uint64) bool {
	for _, a := range args {
		if a>>32 != 0 {
			return true
		}
	}
	return false
}

// Random policies without conditions, through elastic's assembler and gVisor's: all agree on every number.
func TestPlainPolicies(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		var text strings.Builder
		text.WriteString("on_next_syscall: 1\n")
		var names []string
		rules := gvisor.NewSyscallRules()
		for _, c := range arch.Calls() {
			if c.Nr <= 334 && random.IntN(2+int(seed%6)) == 0 { // elastic's tables have these too
				names = append(names, c.Name)
				rules.Set(uintptr(c.Nr), gvisor.MatchAll{})
				text.WriteString("sys_" + c.Name + ": 1\n")
			}
		}
		if len(names) < 2 {
			t.Fatal("a policy of nothing")
		}
		prog, err := elasticProgram(elastic.Policy{DefaultAction: elastic.ActionErrno,
			Syscalls: []elastic.SyscallGroup{{Action: elastic.ActionAllow, Names: names}}})
		theirs := load(t, prog, err)
		built, err := buildGVisor(rules)
		gv := load(t, built, err)
		progs, err := compileStages(text.String())
		if err != nil || len(progs) != 1 {
			t.Fatal(len(progs), err)
		}
		ours := load(t, progs[0], nil)
		for nr := range uint32(600) {
			d := bpf.Data{Nr: nr, Arch: arch.Audit}
			a, _ := ours.Run(&d)
			b, _ := theirs.Run(&d)
			c, _ := gv.Run(&d)
			if (a == retAllow) != (b == retAllow) || (a == retAllow) != (c == retAllow) {
				t.Fatalf("seed %d, nr %d: %#x, elastic %#x, gVisor %#x", seed, nr, a, b, c)
			}
		}
	}
}
