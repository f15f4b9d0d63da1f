package beats

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"

	elastic "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/net/bpf"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/internal/dialecttest"
	ourbpf "github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

var amd64 = dialect.Options{Arch: "amd64"}

// documented evaluates elastic's own Policy as its documentation says, which its compiler does not always do.
func documented(p *elastic.Policy, name string, args [6]uint64) elastic.Action {
	holds := func(c elastic.Condition) bool {
		x, v := args[c.Argument], c.Value
		switch c.Operation {
		case elastic.Equal:
			return x == v
		case elastic.NotEqual:
			return x != v
		case elastic.GreaterThan:
			return x > v
		case elastic.GreaterOrEqual:
			return x >= v
		case elastic.LessThan:
			return x < v
		case elastic.LessOrEqual:
			return x <= v
		case elastic.BitsSet:
			return x&v != 0
		}
		return x&v == 0
	}
	for _, g := range p.Syscalls {
		if slices.Contains(g.Names, name) {
			return g.Action
		}
	entries:
		for _, n := range g.NamesWithCondtions {
			if n.Name != name {
				continue
			}
			for _, c := range n.Conditions {
				if !holds(c) {
					continue entries
				}
			}
			return g.Action
		}
	}
	return p.DefaultAction
}

// ours is what an action of elastic's is here.
func ours(a elastic.Action) policy.Action {
	if a == elastic.ActionErrno { // without an errno, which its assembler adds
		return policy.Action{Kind: policy.Errno, Errno: 1}
	}
	x, _ := policy.ActionOf(uint32(a))
	return x
}

// random returns a policy, with conditions or without.
func random(r *rand.Rand, conditions bool) *elastic.Policy {
	actions := []elastic.Action{elastic.ActionAllow, elastic.ActionErrno, elastic.ActionKillProcess, elastic.ActionTrap,
		elastic.ActionLog}
	names := []string{"read", "write", "socket", "mmap", "clone", "getpid", "openat", "ioctl"}
	action := func() elastic.Action { return actions[r.Intn(len(actions))] }
	p := &elastic.Policy{DefaultAction: action()}
	for range 1 + r.Intn(4) {
		g := elastic.SyscallGroup{Action: action()}
		order := r.Perm(len(names))
		for _, i := range order[:1+r.Intn(3)] {
			g.Names = append(g.Names, names[i])
		}
		for _, i := range order[4:] {
			for range r.Intn(3) {
				var list elastic.ArgumentConditions
				for range 1 + r.Intn(3) {
					list = append(list, elastic.Condition{
						Argument:  uint32(r.Intn(3)),
						Operation: elastic.Operations[r.Intn(len(elastic.Operations))],
						Value:     dialecttest.Edges[r.Intn(len(dialecttest.Edges))],
					})
				}
				if conditions {
					g.NamesWithCondtions = append(g.NamesWithCondtions, elastic.NameWithConditions{Name: names[i], Conditions: list})
				}
			}
		}
		p.Syscalls = append(p.Syscalls, g)
	}
	return p
}

// read reads what elastic's type is as JSON.
func read(t *testing.T, p *elastic.Policy) (*dialect.Reading, []byte) {
	t.Helper()
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	in, err := Read("random", text, amd64)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return in, text
}

// What is read is what elastic documents; it is the same after it was written; in the policy language it is no more.
func TestRandomPolicies(t *testing.T) {
	for seed := range int64(80) {
		p := random(rand.New(rand.NewSource(seed)), true)
		in, text := read(t, p)
		out, err := Write(in, amd64)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		again, err := Read("again", []byte(out.Text), amd64)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, out.Text)
		}
		for _, call := range in.Table.Arch.Calls() {
			values := dialecttest.Edges
			if dialecttest.Plain(in.Table, call.Nr) {
				values = values[:1]
			}
			dialecttest.Arguments(values, func(args [6]uint64) {
				want := ours(documented(p, call.Name, args))
				if got := in.Table.Eval(call.Nr, args).Action; got != want {
					t.Fatalf("seed %d: %s with %#x gets %v, want %v\n%s", seed, call.Name, args, got, want, text)
				}
				if got := again.Table.Eval(call.Nr, args).Action; got != want {
					t.Fatalf("seed %d: written, %s with %#x gets %v, want %v\n%s", seed, call.Name, args, got, want, out.Text)
				}
			})
		}
		if _, err := dialect.Format(in, dialect.Options{Arch: "amd64", Approximate: true}); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
	}
}

// Without conditions elastic's compiler can be trusted: its programs do what is read.
func TestElasticAgrees(t *testing.T) {
	arch := dialecttest.Arch(t, "amd64")
	if kernel.Native() != arch {
		t.Skip("elastic compiles for the machine it runs on, and this is not amd64")
	}
	for seed := range int64(60) {
		p := random(rand.New(rand.NewSource(seed)), false)
		in, text := read(t, p)
		list, err := p.Assemble()
		if err != nil {
			t.Fatal(err)
		}
		machine := assemble(t, list)
		for _, call := range arch.Calls() {
			ret, _ := machine.Run(&ourbpf.Data{Arch: arch.Audit, Nr: call.Nr})
			if got := in.Table.Eval(call.Nr, [6]uint64{}).Action.Ret(); got != ret {
				t.Fatalf("seed %d: %s gets %#x, and elastic's program gives %#x\n%s", seed, call.Name, got, ret, text)
			}
		}
	}
}

func assemble(t *testing.T, list []bpf.Instruction) *ourbpf.Machine {
	t.Helper()
	raw, err := bpf.Assemble(list)
	if err != nil {
		t.Fatal(err)
	}
	prog := make([]ourbpf.Instruction, len(raw))
	for i, x := range raw {
		prog[i] = ourbpf.Instruction{Op: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	machine, err := ourbpf.NewMachine(prog)
	if err != nil {
		t.Fatal(err)
	}
	return machine
}

// A Beat's `seccomp.enabed: true` was accepted in silence, and nothing was enforced.
func TestMistakes(t *testing.T) {
	const head = "seccomp:\n  default_action: errno\n  syscalls:\n  - action: allow\n"
	for _, test := range []struct{ text, want string }{
		{"seccomp.enabed: true\nseccomp.default_action: errno\n", `p:1:1: unknown key "enabed" in seccomp: did you mean "enabled"?`},
		{"seccomp:\n  enabed: true\n  default_action: errno\n", `p:2:3: unknown key "enabed" in seccomp: did you mean "enabled"?`},
		{"seccomp.enabled: false\nseccomp.default_action: errno\nseccomp.syscalls: [{action: allow, names: [read]}]\n",
			`p:1:18: enabled: false: this policy is not in force; without this line it would be`},
		{head + "    nmaes: [read]\n", `p:5:5: unknown key "nmaes" in a group of syscalls: did you mean "names"?`},
		{head + "    names: [raed]\n", `p:5:13: unknown system call "raed": did you mean "read"?`},
		{head + "    names: [fcntl64]\n", `p:5:13: amd64 has no system call fcntl64, and elastic takes no policy that names one`},
		{head + "    names: [read, read]\n", `p:5:19: read is in this group already, in line 5`},
		{head + "    names: read\n", `p:5:12: names is a list, not "read"`},
		{head + "    names_with_args:\n    - name: write\n      arguments: [{argument: 0, operation: Equals, value: 1}]\n",
			`p:7:44: unknown operation "Equals": did you mean "Equal"?`},
		{head + "    names_with_args:\n    - name: write\n      arguments: [{argument: 6, operation: Equal, value: 1}]\n",
			`p:7:30: argument is 6, and can be 5 at most`},
		{head + "    names_with_args:\n    - name: write\n", `p:6:7: arguments is missing: a call without conditions stands in names`},
		{"seccomp:\n  default_action: deny\n  syscalls: [{action: allow, names: [read]}]\n",
			`p:2:19: unknown action "deny": there are kill_process, kill_thread, trap, errno, trace, log, allow`},
		{"seccomp:\n  default_action: kill_thread\n  syscalls: [{action: allow, names: [read]}]\n",
			`p:2:19: kill_thread kills one thread and leaves the process half dead, which stagelock never does (with ` +
				`-approximate: the whole process is killed)`},
		{"seccomp:\n  default_action: [\n", `p:2:1: no YAML: did not find expected node content`},
		{"", `p:1:1: the text is empty`},
		{"seccomp: &a\n  syscalls: [*a]\n", `p:1:10: the text is nested too deep, or has too many values`},
		{"a: 1\n---\nb: 2\n", `p:2:1: a second document follows: one is wanted`},
	} {
		_, err := Read("p", []byte(test.text), amd64)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// elastic takes no policy that names a call which its tables lack, so of what is written it must know the names.
func TestElasticKnowsTheNames(t *testing.T) {
	if kernel.Native() != dialecttest.Arch(t, "amd64") {
		t.Skip("elastic compiles for the machine it runs on, and this is not amd64")
	}
	in, err := dialect.Check("p", "use file, net.client, net.server, exec\nsys_ptrace: 0 else kill\n", amd64)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Write(in, dialect.Options{Arch: "amd64", Approximate: true})
	if err != nil {
		t.Fatal(err)
	}
	var p elastic.Policy
	var group *elastic.SyscallGroup
	for _, line := range strings.Split(out.Text, "\n") { // the part without conditions
		word := strings.TrimLeft(line, " -")
		switch {
		case strings.HasPrefix(line, "  - action: "):
			p.Syscalls = append(p.Syscalls, elastic.SyscallGroup{Action: elastic.ActionAllow})
			group = &p.Syscalls[len(p.Syscalls)-1]
		case strings.HasPrefix(line, "    - ") && !strings.Contains(line, ":"):
			group.Names = append(group.Names, word)
		}
	}
	p.DefaultAction = elastic.ActionErrno
	if _, err := p.Assemble(); err != nil {
		t.Errorf("elastic: %v", err)
	}
	if len(p.Syscalls) == 0 || len(p.Syscalls[0].Names) < 50 {
		t.Errorf("few names were found in\n%s", out.Text)
	}
}
