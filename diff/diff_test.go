package diff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/diff"
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

var env = stage.Env{"self.pid": 4242, "runtime.eventfd": 4, "runtime.epollfd": 5}

func plan(arch *kernel.Arch, text string) (*stage.Plan, error) {
	f, err := rule.Parse("t", text)
	if err != nil {
		return nil, err
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Build{Arch: arch.Name})})
	if err != nil {
		return nil, err
	}
	return stage.New(p, env)
}

func mustPlan(t *testing.T, arch *kernel.Arch, text string) *stage.Plan {
	t.Helper()
	p, err := plan(arch, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

func archOf(t *testing.T, name string) *kernel.Arch {
	t.Helper()
	a, ok := kernel.ByName(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return a
}

// randomText writes a policy of up to three stages. What has no meaning is not used.
func randomText(r *rand.Rand) string {
	sets := []string{"file.read", "file.io", "net.dial", "exec.start", "signal", "net.conn"}
	rules := []string{
		"sys_read: fd %s %d", "sys_socket: family in {AF_UNIX, %[2]d}", "sys_socket: family == AF_INET && (type & 0xf) == %[2]d",
		"sys_openat: (flags & (O_ACCMODE|O_CREAT)) == O_RDONLY else kill if flags & O_TRUNC", "sys_openat: flags & %[2]d",
		"sys_prctl: option %s %d else log if option %[1]s 9 else errno(EACCES)", "sys_ptrace: 0 else kill", "sys_ptrace: 0",
		"sys_kill: pid == self.pid && sig != %[2]d", "sys_kill: sig %s %d", "sys_fcntl: !(cmd in {%[2]d..7}) || arg == %[2]d",
		"sys_mprotect: !(prot & PROT_EXEC) && len %s %d", "sys_getppid: 0 else log", "sys_getppid: 1", "sys_clone3: 1",
		"sys_munmap: addr != 0", "nr(7777): arg3 %s %d", "nr(7777): 1", "sys_mprotect: 0 including go", "sys_lseek: offset %s %d",
	}
	ops := []string{"==", "!=", "<", ">="}
	denies := []string{"deny kill", "deny errno(EACCES)", "deny trap"}
	names := []string{"init", "load", "serve"}
	var b strings.Builder
	for k := range 1 + r.IntN(3) {
		fmt.Fprintf(&b, "stage %s\n", names[(k+r.IntN(5)/4)%3])
		if r.IntN(4) == 0 {
			fmt.Fprintln(&b, denies[r.IntN(len(denies))])
		}
		verb := "use"
		if k > 0 {
			verb = "drop"
		}
		for range r.IntN(3) {
			fmt.Fprintf(&b, "%s %s\n", verb, sets[r.IntN(len(sets))])
		}
		used := map[string]bool{}
		for range r.IntN(6) {
			rule := rules[r.IntN(len(rules))]
			call, _, _ := strings.Cut(rule, ":")
			if used[call] {
				continue
			}
			used[call] = true
			if strings.Contains(rule, "%") {
				rule = fmt.Sprintf(rule, ops[r.IntN(len(ops))], 1+r.IntN(4))
				rule, _, _ = strings.Cut(rule, "%!(EXTRA")
			}
			fmt.Fprintln(&b, rule)
		}
	}
	return b.String()
}

// randomPairs calls f with the plans of random policies, two of them each time.
func randomPairs(t *testing.T, n int, f func(old, new *stage.Plan, texts string)) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	arches := []*kernel.Arch{archOf(t, "amd64"), archOf(t, "386"), archOf(t, "s390x")}
	for made, tries := 0, 0; made < n; tries++ {
		if tries > 100*n {
			t.Fatalf("of %d random policies only %d pairs have a meaning", tries, made)
		}
		arch := arches[made%len(arches)]
		a, b := randomText(r), randomText(r)
		old, err1 := plan(arch, a)
		new, err2 := plan(arch, b)
		if err1 == nil && err2 == nil {
			made++
			f(old, new, a+"--- and\n"+b)
		}
	}
}

// What is given and taken is exactly the difference: as conditions, as the text that a person reads, and for arguments
// that the tables themselves are asked about.
func TestChangesAreTheDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	kinds := make(map[diff.Kind]int)
	randomPairs(t, 60, func(old, new *stage.Plan, texts string) {
		list, err := diff.Plans(old, new)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			for i := range s.Changes {
				kinds[s.Changes[i].Kind()]++
			}
			compare(t, old, new, &s, texts)
			if s.Old >= 0 && s.New >= 0 {
				sample(t, r, old.Stages[s.Old].Table, new.Stages[s.New].Table, s.Changes, texts)
			}
		}
	})
	for k := diff.Gives; k <= diff.Logs; k++ {
		if kinds[k] < 5 {
			t.Errorf("only %d changes of kind %d were among the random ones", kinds[k], k)
		}
	}
}

// unnamed is a number that the tables don't have.
const unnamed = 7777

// compare decides that the changes of a stage are what its tables differ in.
func compare(t *testing.T, old, new *stage.Plan, s *diff.Stage, texts string) {
	t.Helper()
	arch := new.Policy.Arch
	free := []policy.Clause{{If: policy.Const(true), Action: policy.Action{Kind: policy.Allow}}}
	clauses := func(p *stage.Plan, k int, nr uint32) []policy.Clause {
		if k < 0 {
			return free
		}
		if d, ok := p.Stages[k].Table.Find(nr); ok {
			return d.Clauses
		}
		return []policy.Clause{p.Stages[k].Table.Other}
	}
	var numbers []uint32
	for _, c := range arch.Calls() {
		numbers = append(numbers, c.Nr)
	}
	listed := func(p *stage.Plan, k int) bool {
		if k < 0 {
			return false
		}
		_, ok := p.Stages[k].Table.Find(unnamed)
		return ok
	}
	if listed(old, s.Old) || listed(new, s.New) {
		numbers = append(numbers, unnamed)
	}
	for _, nr := range numbers {
		d := policy.NewDecider(1 << 19)
		was, is := d.Clauses(clauses(old, s.Old, nr)), d.Clauses(clauses(new, s.New, nr))
		allows := func(n bdd.Node) bdd.Node {
			return d.Map(n, func(ret uint32) uint32 {
				if a, ok := policy.ActionOf(ret); ok && a.Allows() {
					return 1
				}
				return 0
			})
		}
		differ := d.Combine(was, is, func(x, y uint32) uint32 {
			if x != y {
				return 1
			}
			return 0
		})
		want := [...]bdd.Node{
			diff.Gives:   d.And(allows(is), d.Not(allows(was))),
			diff.Takes:   d.And(allows(was), d.Not(allows(is))),
			diff.Refuses: d.And(differ, d.Not(d.Or(allows(was), allows(is)))),
			diff.Logs:    d.And(differ, d.And(allows(was), allows(is))),
		}
		var got [len(want)]bdd.Node
		for _, c := range s.Changes {
			if c.Nr != nr {
				continue
			}
			n := d.Cond(c.If)
			if d.And(got[c.Kind()], n) != bdd.False {
				t.Errorf("nr %d: two changes overlap\n%s", nr, texts)
			}
			got[c.Kind()] = d.Or(got[c.Kind()], n)
			if x := d.And(n, d.Not(d.And(d.Is(was, c.Old.Ret()), d.Is(is, c.New.Ret())))); x != bdd.False {
				t.Errorf("nr %d: %v → %v is not so everywhere\n%s", nr, c.Old, c.New, texts)
			}
			if len(c.From) == 0 || len(c.To) == 0 {
				t.Errorf("nr %d: nobody says so\n%s", nr, texts)
			}
			if again := reread(t, arch, &c); d.Cond(again) != n {
				t.Errorf("nr %d: what is read is not what is meant\n%s", nr, texts)
			}
		}
		if got != want || d.Err() != nil {
			t.Fatalf("stage %s, nr %d: gives, takes, refuses, logs are %v, want %v (%v)\n%s", s.Name, nr, got, want, d.Err(), texts)
		}
	}
}

// reread writes the condition of a change as text, and reads it again.
func reread(t *testing.T, arch *kernel.Arch, c *diff.Change) policy.Cond {
	t.Helper()
	if c.If == policy.Const(true) {
		return c.If
	}
	var call *kernel.Call
	name := fmt.Sprintf("nr(%d)", c.Nr)
	if x, ok := arch.CallNr(c.Nr); ok {
		call, name = &x, "sys_"+x.Name
	}
	p := mustPlan(t, arch, name+": "+policy.FormatCond(c.If, call, arch)+"\n")
	return p.Policy.Stages[0].Rules[0].Allow
}

// sample asks both tables about single calls.
func sample(t *testing.T, r *rand.Rand, old, new *policy.Table, changes []diff.Change, texts string) {
	t.Helper()
	values := []uint64{0, 1, 2, 3, 4, 7, 9, 10, 64, 512, 4242, 1<<31 - 1, 1 << 31, 1<<32 + 2, 1<<63 + 1, 1<<64 - 1}
	for range 3000 {
		nr := new.Calls[r.IntN(len(new.Calls))].Nr
		if len(changes) > 0 && r.IntN(2) == 0 {
			nr = changes[r.IntN(len(changes))].Nr
		}
		var args [6]uint64
		for i := range args {
			args[i] = values[r.IntN(len(values))]
		}
		was, is := old.Eval(nr, args).Action, new.Eval(nr, args).Action
		i := slices.IndexFunc(changes, func(c diff.Change) bool { return c.Nr == nr && c.If.Holds(&args) })
		switch {
		case i < 0 && was != is:
			t.Fatalf("nr %d %#x: %v → %v goes untold\n%s", nr, args, was, is, texts)
		case i >= 0 && (changes[i].Old != was || changes[i].New != is):
			t.Fatalf("nr %d %#x: %v → %v is told, it is %v → %v\n%s", nr, args, changes[i].Old, changes[i].New, was, is, texts)
		}
	}
}

// A policy compared with itself, or with another way to say the same, has no difference.
func TestEqualPolicies(t *testing.T) {
	arch := archOf(t, "arm64")
	pairs := [][2]string{
		{"use file\nsys_socket: family in {1, 2}", "use file\nsys_socket: family == AF_INET || family == AF_UNIX"},
		{"use file.read, file.write, file.io", "use file"},
		{"sys_openat: !(flags & O_CREAT)", "sys_openat: (flags & O_CREAT) == 0 else errno(EPERM)"},
		{"stage a\nuse file\nstage b\ndrop file", "stage a\nuse file\nstage b\ndrop file.io; drop file.read, file.write"},
	}
	for _, p := range pairs {
		list, err := diff.Plans(mustPlan(t, arch, p[0]), mustPlan(t, arch, p[1]))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if len(s.Changes) > 0 || s.Wider() {
				t.Errorf("%s\nand\n%s\ndiffer in %+v", p[0], p[1], s.Changes)
			}
		}
	}
}

// Stages are matched by name; one that only one policy has is compared with what is in force in the other meanwhile.
func TestPairs(t *testing.T) {
	arch := archOf(t, "amd64")
	text := func(names string) string {
		var b strings.Builder
		for _, n := range strings.Fields(names) {
			fmt.Fprintf(&b, "stage %s\nuse file.io\n", n)
		}
		return b.String()
	}
	tests := []struct{ old, new, want string }{
		{"init serve", "init serve", "init=init serve=serve"},
		{"init serve", "init", "init=init serve=init-"},
		{"init", "init serve", "init=init init=serve+"},
		{"a b c", "b", "a=.- b=b c=b-"},
		{"b", "a b c", ".=a+ b=b b=c+"},
		{"a b", "c d", "a=.- b=.- .=c+ .=d+"},
		{"a x b y", "a b z", "a=a x=a- b=b y=b- b=z+"},
		{"a b", "b a", "b=b a=a reordered"},
	}
	for _, tt := range tests {
		old, new := mustPlan(t, arch, text(tt.old)), mustPlan(t, arch, text(tt.new))
		list, err := diff.Plans(old, new)
		if err != nil {
			t.Fatal(err)
		}
		name := func(p *stage.Plan, k int) string {
			if k < 0 {
				return "."
			}
			return p.Stages[k].Name
		}
		var got []string
		for _, s := range list {
			mark := ""
			if s.Gone {
				mark = "-"
			}
			if s.Added {
				mark = "+"
			}
			got = append(got, name(old, s.Old)+"="+name(new, s.New)+mark)
		}
		if diff.Reordered(old, new) {
			got = append(got, "reordered")
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s, then %s: %s, want %s", tt.old, tt.new, got, tt.want)
		}
	}
}
