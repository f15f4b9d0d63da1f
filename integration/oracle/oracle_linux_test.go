//go:build !race

// The race detector makes calls of its own on the thread that measures.

package oracle

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }

// envSubject tells a child what to measure: a policy's name, a stage's number, alone or stacked, a marks's name.
const envSubject = "STAGELOCK_ORACLE"

var kinds = map[string]marks{
	"distinct": distinct{},
	"kill":     threshold(policy.Kill),
	"trap":     threshold(policy.Trap),
	"errno":    threshold(policy.Errno),
	"log":      threshold(policy.Log),
}

// TestKernel compares the evaluator, our machine and the running kernel, on each stage of each policy alone, and on
// the stages installed one after the other.
func TestKernel(t *testing.T) {
	unconfined(t)
	texts, err := subjects()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if testing.Short() && name != "every" && name != "webserver" {
			continue
		}
		plan, err := planned(name, texts[name])
		if err != nil {
			t.Fatal(err)
		}
		for k, stage := range plan.Stages {
			for _, how := range []string{"alone", "stacked"} {
				s, err := stackOf(texts[name], name, k, how)
				if err != nil {
					t.Fatal(err)
				}
				if how == "stacked" && k == 0 {
					continue // the same
				}
				if name == several && len(s.progs) < 2 {
					t.Errorf("it takes %d program", len(s.progs))
				}
				for _, m := range markings(len(s.progs)) {
					t.Run(fmt.Sprintf("%s/%s/%s/%s", name, stage.Name, how, m), func(t *testing.T) {
						agree.RunWith(t, seccomptest.Options{Env: []string{
							fmt.Sprintf("%s=%s,%d,%s,%s", envSubject, name, k, how, m),
							"GODEBUG=" + strings.TrimPrefix(os.Getenv("GODEBUG")+",asyncpreemptoff=1", ","),
						}})
					})
				}
			}
		}
	}
}

// unconfined skips where what the kernel answers isn't what the measured programs say alone.
func unconfined(t *testing.T) {
	t.Helper()
	if mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil || mode != 0 {
		t.Skip("a filter is in force already, as a container's is: the kernel answers by that one too")
	}
}

// markings returns the names of the marks by which so many programs are measured.
func markings(progs int) []string {
	if progs == 1 {
		return []string{"distinct"}
	}
	return []string{"kill", "trap", "errno", "log"}
}

func stackOf(text, name string, k int, how string) (stack, error) {
	plan, err := planned(name, text)
	if err != nil {
		return stack{}, err
	}
	if how == "stacked" {
		return stacked(plan, k)
	}
	return alone(plan, k)
}

var agree = seccomptest.Case("agree", func(c *seccomptest.C) {
	c.Unlocked() // but for the thread that measures
	var name, how, marking string
	var k int
	parts := strings.Split(os.Getenv(envSubject), ",")
	if len(parts) != 4 {
		c.Fatalf("%s=%q", envSubject, os.Getenv(envSubject))
	}
	name, how, marking = parts[0], parts[2], parts[3]
	if _, err := fmt.Sscan(parts[1], &k); err != nil {
		c.Fatalf("%s: %v", envSubject, err)
	}
	texts, err := subjects()
	c.Must(err)
	s, err := stackOf(texts[name], name, k, how)
	c.Must(err)

	inputs := s.inputs()
	insns := make([][]bpf.Instruction, len(s.progs))
	machines := make([]*bpf.Machine, len(s.progs))
	for i, p := range s.progs {
		insns[i] = p.Insns
		machines[i], err = bpf.NewMachine(p.Insns)
		c.Must(err)
	}
	got, err := measure(insns, kinds[marking], inputs)
	c.Must(err)

	compared, wrong, seen := 0, 0, make(map[policy.Kind]int)
	for i := range inputs {
		in := &inputs[i]
		want := s.table.Eval(uint32(in.nr), in.regs()).Action
		simulated, err := run(machines, in)
		if err != nil {
			c.Fatalf("%v", err)
		}
		if simulated != want || !kinds[marking].fits(want, got[i]) {
			call, _ := native.CallNr(uint32(in.nr))
			c.Errorf("%s (nr %#x) %#x: the policy says %v, our machine %v, the kernel's answer is errno %d",
				call.Name, in.nr, in.args, want, simulated, int(got[i]))
			if wrong++; wrong > 20 {
				c.Fatalf("and so on")
			}
			continue
		}
		compared++
		seen[want.Kind]++
	}
	if compared == 0 {
		c.Fatalf("nothing was compared")
	}
	c.Logf("%d calls compared in %d programs: allowed %d, logged %d, errno %d, trapped %d, killed %d", compared,
		len(s.progs), seen[policy.Allow], seen[policy.Log], seen[policy.Errno], seen[policy.Trap], seen[policy.Kill])
	if seen[policy.Errno] == 0 || seen[policy.Allow] == 0 {
		c.Errorf("no call is refused, or none is allowed: this compares nothing")
	}
})

// run runs the programs as the kernel does: the strictest answer wins, and between equals the newest.
func run(machines []*bpf.Machine, in *input) (policy.Action, error) {
	d := bpf.Data{Nr: uint32(in.nr), Arch: native.Audit, Args: in.regs(), BigEndian: native.BigEndian}
	all := policy.Action{Kind: policy.Allow}
	for _, m := range machines {
		ret, _ := m.Run(&d)
		a, ok := policy.ActionOf(ret)
		if !ok {
			return a, fmt.Errorf("a return of %#x", ret)
		}
		all = a.Strictest(all)
	}
	return all, nil
}

// inputs returns what is measured: every call of the tables, unknown numbers and foreign ones.
func (s *stack) inputs() (list []input) {
	random := rand.New(rand.NewPCG(1, uint64(len(s.progs))))
	decided := make(map[uint32][]policy.Clause)
	for _, d := range s.table.Calls {
		decided[d.Nr] = d.Clauses
	}
	last := uint32(0)
	for _, c := range native.Calls() {
		if c.Nr < 1<<16 { // arm has some of its own at 0xf0000, and nothing in the million numbers between
			last = max(last, c.Nr)
		}
		if _, ok := decided[c.Nr]; !ok {
			decided[c.Nr] = nil
		}
		if native.X32 {
			decided[c.Nr|1<<30] = nil
		}
	}
	for nr := range last + 64 { // the gaps, and what newer kernels have
		if _, ok := decided[nr]; !ok {
			decided[nr] = nil
		}
	}
	for _, nr := range []uint32{1 << 30, 1<<30 + 600, 1<<31 - 1, 1 << 31, 1<<31 | 1<<30, 1<<32 - 2, 1<<32 - 1} {
		decided[nr] = nil
	}
	for _, nr := range slices.Sorted(maps.Keys(decided)) {
		for _, args := range Edges(decided[nr], random) {
			in := input{nr: uintptr(nr)}
			for i, a := range args {
				in.args[i] = uintptr(a)
			}
			if !passed(&in) {
				list = append(list, in)
			}
		}
		if wide := (input{nr: wideNumber(nr)}); !passed(&wide) {
			list = append(list, wide)
		}
	}
	return list
}

// wideNumber is nr in a register whose high half isn't 0: the kernel looks at 32 bits.
func wideNumber(nr uint32) uintptr {
	if ^uintptr(0)>>31 == 1 {
		return uintptr(nr)
	}
	return uintptr(uint64(nr) | 1<<32)
}

// TestComparisonCanFail shows that a wrong program is found: the kernel runs one in which two returns are swapped.
func TestComparisonCanFail(t *testing.T) {
	unconfined(t)
	swapped.RunWith(t, seccomptest.Options{Env: []string{"GODEBUG=asyncpreemptoff=1"}})
}

var swapped = seccomptest.Case("swapped", func(c *seccomptest.C) {
	c.Unlocked() // but for the thread that measures
	plan, err := planned("swapped", "sys_getpid: 1\nsys_read: fd == 1\nsys_exit_group: 1\nsys_futex: 1")
	c.Must(err)
	s, err := alone(plan, 0)
	c.Must(err)
	prog := slices.Clone(s.progs[0].Insns)
	broken := false
	for i, x := range prog {
		if x.Op == bpf.JumpEq && x.Jt != x.Jf && i > 4 {
			prog[i].Jt, prog[i].Jf = x.Jf, x.Jt
			broken = true
			break
		}
	}
	if !broken {
		c.Fatalf("there is nothing to swap in %v", prog)
	}
	inputs := s.inputs()
	got, err := measure([][]bpf.Instruction{prog}, distinct{}, inputs)
	c.Must(err)
	differ := 0
	for i := range inputs {
		if !(distinct{}).fits(s.table.Eval(uint32(inputs[i].nr), inputs[i].regs()).Action, got[i]) {
			differ++
		}
	}
	c.Logf("%d of %d calls differ", differ, len(inputs))
	if differ == 0 {
		c.Errorf("a branch was swapped, and nothing differs")
	}
})
