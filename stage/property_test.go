package stage

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/policy"
)

// randomText writes a policy of one to four stages. Most of what it writes has a meaning; what has none is the
// business of the tests of mistakes.
func randomText(r *rand.Rand) string {
	names := []string{"io", "open", "files", "net", "exec", "self", "mine"}
	rules := []string{
		"sys_read: fd == 1", "sys_read: fd in {0, 1, 5..9}", "sys_read: 0", "sys_read: 1", "sys_read: fd < 3 else errno(EACCES)",
		"sys_openat: (flags & O_ACCMODE) == O_RDONLY else kill if flags & O_CREAT", "sys_openat: 0 else trap",
		"sys_openat: dfd == AT_FDCWD", "sys_socket: family == AF_INET", "sys_socket: family in {AF_UNIX, AF_INET}",
		"sys_socket: 0", "sys_socket: 0 else log if family == AF_NETLINK else kill", "sys_mmap: 0", "sys_mmap: 0 including go",
		"sys_mmap: prot == PROT_READ", "sys_futex: 0", "sys_prctl: option == 3 else log if option in {4, 5} else errno(EACCES)",
		"sys_prctl: option in {3, 4}", "sys_execve: 0", "sys_clone: clone_flags & CLONE_THREAD", "sys_kill: 0 else errno(ESRCH)",
		"sys_getppid: 1", "sys_getppid: 0 else errno(ENOSYS)", "sys_clone3: 0",
	}
	denies := []string{"deny kill", "deny errno(EACCES)", "deny errno(EPERM)", "deny trap"}
	var b strings.Builder
	b.WriteString("set mine { sys_getppid: 1; sys_read: fd == 7; use net }\n")
	for k := range 1 + r.IntN(4) {
		fmt.Fprintf(&b, "stage s%d\n", k)
		if r.IntN(3) == 0 {
			fmt.Fprintln(&b, denies[r.IntN(len(denies))])
		}
		for range r.IntN(3) + 1 {
			verb := "drop"
			switch n := r.IntN(8); {
			case k == 0 || n == 0:
				verb = "use"
			case n == 1:
				verb = "only"
			}
			fmt.Fprintf(&b, "%s %s\n", verb, names[r.IntN(len(names))])
		}
		used := map[string]bool{}
		for range r.IntN(4) {
			rule := rules[r.IntN(len(rules))]
			call, _, _ := strings.Cut(rule, ":")
			if !used[call] {
				used[call] = true
				fmt.Fprintln(&b, rule)
			}
		}
	}
	return b.String()
}

// randomPlans calls f with plans of random policies.
func randomPlans(t *testing.T, n int, f func(text string, p *Plan, env Env)) {
	env := Env{"self.pid": 4242}
	r := rand.New(rand.NewPCG(1, 2))
	for made := 0; made < n; {
		text := randomText(r)
		checked, err := check(t, text)
		if err != nil {
			continue
		}
		p, err := New(checked, env)
		if err != nil {
			continue
		}
		made++
		f(text, p, env)
	}
}

// interesting are the calls that the random policies speak of.
var interesting = []string{"read", "openat", "socket", "mmap", "futex", "prctl", "execve", "clone", "kill", "getppid",
	"clone3", "tgkill", "seccomp", "pread64", "connect", "fstat", "write", "getuid"}

// edges are argument values on which those policies differ.
var edges = []uint64{0, 1, 2, 3, 4, 5, 7, 9, 10, 16, 23, 34, 64, 4242, 0xffffffff, 1 << 32, 1<<32 + 1, 1 << 16, 1<<64 - 100,
	0x53564d41, 0x10000, 0xffffff9c}

// allowed is the algebra as the language reference tells it, for one call with given arguments.
func allowed(p *policy.Policy, s []Stage, k int, nr uint32, args *[6]uint64) bool {
	var force []*policy.Set
	var word *policy.Rule
	holder := false // word is one
	granted, floor := true, true
	for j := range p.Stages[:k+1] {
		st := &p.Stages[j]
		cleared := j == 0
		for _, step := range st.Steps {
			var leaves []*policy.Set
			for _, x := range step.Sets {
				for l := range x.Leaves {
					leaves = append(leaves, l)
				}
			}
			switch step.Verb {
			case policy.Only:
				force, cleared, word, holder = leaves, true, nil, false
			case policy.Use:
				force = append(force, leaves...)
			case policy.Drop:
				force = slices.DeleteFunc(slices.Clone(force), func(l *policy.Set) bool { return slices.Contains(leaves, l) })
			}
		}
		own := true
		i := slices.IndexFunc(st.Rules, func(r policy.Rule) bool { return r.Nr == nr })
		switch {
		case i >= 0:
			r := &st.Rules[i]
			own = r.Allow.Holds(args)
			if !own {
				for _, e := range r.Else {
					if e.If.Holds(args) {
						own = e.Action.Allows()
						break
					}
				}
			}
			word = r
			holder = holder || !has(force, nr)
			if r.Allow == policy.Const(false) && !allowAny(r.Else) {
				word, holder = nil, false
			}
			floor = floor && !r.IncludingGo
		case word != nil && !cleared && (holder || has(force, nr)):
		default:
			own = slices.ContainsFunc(force, func(l *policy.Set) bool { return holds(l, nr, args, s[j].Children) })
		}
		granted = granted && own
	}
	if floor && holds(p.Floor, nr, args, s[k].Children) {
		return true
	}
	c, _ := p.Arch.Call("seccomp")
	if next := k < len(p.Stages)-1; floor && (next || nr != c.Nr) && holds(p.Lock, nr, args, false) {
		return true
	}
	return granted
}

// has tells whether any of the leaves speaks of a call.
func has(leaves []*policy.Set, nr uint32) bool {
	return slices.ContainsFunc(leaves, func(l *policy.Set) bool {
		return slices.ContainsFunc(l.Rules, func(r policy.Rule) bool { return r.Nr == nr })
	})
}

// holds tells whether a rule of a leaf allows a call.
func holds(l *policy.Set, nr uint32, args *[6]uint64, children bool) bool {
	return slices.ContainsFunc(l.Rules, func(r policy.Rule) bool {
		own := resolver{env: Env{"self.pid": 4242}, children: children}
		return r.Nr == nr && own.cond(r.Allow).Holds(args)
	})
}

func TestPlansFollowTheAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	randomPlans(t, 400, func(text string, p *Plan, env Env) {
		for k := range p.Stages {
			for _, name := range interesting {
				c, _ := p.Policy.Arch.Call(name)
				for range 40 {
					var args [6]uint64
					for i := range args {
						args[i] = edges[r.IntN(len(edges))]
					}
					got := p.Stages[k].Table.Eval(c.Nr, args).Action
					if want := allowed(p.Policy, p.Stages, k, c.Nr, &args); got.Allows() != want {
						t.Fatalf("%s\nstage %d: %s(%#x): %v, allowed should be %v", text, k, name, args, got, want)
					}
				}
			}
		}
	})
}

func TestStagesNeverWiden(t *testing.T) {
	randomPlans(t, 400, func(text string, p *Plan, env Env) {
		d := policy.NewDecider(decideLimit)
		for k := 1; k < len(p.Stages); k++ {
			before := d.Map(d.Table(p.Stages[k-1].Table), allowedRet)
			after := d.Map(d.Table(p.Stages[k].Table), allowedRet)
			if in, ok := d.Example(d.And(after, d.Not(before)), func(v uint32) bool { return v == 1 }); ok {
				t.Fatalf("%s\nstage %d allows %v, which the one before refuses", text, k, in)
			}
		}
		if d.Err() != nil {
			t.Fatal(d.Err())
		}
	})
}

// TestFiltersAddUp shows that the filters of the stages, one on top of the other as the kernel sees them, leave what
// the plan says, on whatever way through the stages.
func TestFiltersAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	randomPlans(t, 400, func(text string, p *Plan, env Env) {
		d := policy.NewDecider(decideLimit)
		at := r.IntN(len(p.Stages))
		stack := d.Table(p.Filter(-1, at))
		for {
			want := d.Table(p.Stages[at].Table)
			if stack != want {
				diff := d.Combine(stack, want, func(a, b uint32) uint32 {
					if a != b {
						return 1
					}
					return 0
				})
				in, _ := d.Example(diff, func(v uint32) bool { return v == 1 })
				t.Fatalf("%s\nstage %d: %v gets %#x, want %#x", text, at, in, d.Result(stack, &in), d.Result(want, &in))
			}
			if at == len(p.Stages)-1 {
				break
			}
			next := at + 1 + r.IntN(len(p.Stages)-1-at)
			stack = d.Combine(stack, d.Table(p.Filter(at, next)), strictest)
			at = next
		}
		if d.Err() != nil {
			t.Fatal(d.Err())
		}
	})
}

// strictest is what the kernel makes of two filters' answers.
func strictest(old, new uint32) uint32 {
	x, _ := policy.ActionOf(old)
	y, _ := policy.ActionOf(new)
	return y.Strictest(x).Ret()
}

// TestLaterFiltersAreSilentOnTheRest shows that a later stage's filter lists only what it changes.
func TestLaterFiltersAreSilentOnTheRest(t *testing.T) {
	p := mustBuild(t, "stage a\nuse files, net, exec\nstage b\ndrop exec\nsys_socket: family == AF_INET")
	var got []string
	for _, d := range p.Filter(0, 1).Calls {
		got = append(got, d.Name)
	}
	want := []string{"socket", "clone", "execve", "tgkill", "seccomp"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the filter speaks of %v, want %v", got, want)
	}
}

func BenchmarkNew(b *testing.B) {
	p, err := check(b, "stage a\nuse files, net, exec\nsys_socket: family in {AF_INET, AF_UNIX}\nstage b\ndrop exec\nsys_socket: family == AF_INET")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for range b.N {
		if _, err := New(p, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// A plan with other values is the plan that is made with them.
func TestPlansWithOtherValues(t *testing.T) {
	randomPlans(t, 100, func(text string, p *Plan, env Env) {
		bare, err := New(p.Policy, nil)
		if err != nil {
			t.Fatal(err)
		}
		with := bare.With(Env{"self.pid": 1}).With(env)
		for k := range p.Stages {
			if !reflect.DeepEqual(with.Stages[k].Table.Calls, p.Stages[k].Table.Calls) || !reflect.DeepEqual(with.Stages[k].said, p.Stages[k].said) {
				t.Fatalf("%s\nstage %d differs", text, k)
			}
		}
		for to := range p.Stages {
			for from := -1; from < to; from++ {
				if !reflect.DeepEqual(with.Filter(from, to).Calls, p.Filter(from, to).Calls) {
					t.Fatalf("%s\nthe filter from %d to %d differs", text, from, to)
				}
			}
		}
	})
}
