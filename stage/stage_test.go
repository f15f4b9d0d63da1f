package stage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// library is a small policy.Texts.
type library map[string]string

func (l library) Text(name string) (*rule.File, bool) {
	text, ok := l[name]
	if !ok {
		return nil, false
	}
	return parse(name+".policy", text), true
}

func (l library) Names() []string          { return []string{"exec", "files", "io", "net", "open", "self"} }
func (l library) FallbackText() *rule.File { return parse("fallbacks.policy", l["fallbacks"]) }
func parse(name, text string) *rule.File {
	f, err := rule.Parse(name, text)
	if err != nil {
		panic(err)
	}
	return f
}

var sets = library{
	"go": `# The runtime.

sys_futex: 1 # sleeps
sys_mmap: (fd & 0xffffffff) == 0xffffffff && prot in {0, PROT_READ|PROT_WRITE} # heap
sys_tgkill: tgid == self.pid && sig == SIGURG # preempts
`,
	"lock":  "# Locking.\n\nsys_seccomp: op == 1 && flags == 1 # the next stage\nsys_pread64: 1 # read back\n",
	"io":    "# Use.\n\nsys_read: 1 # r\nsys_write: 1 # w\nsys_fstat: 1 # s\n",
	"open":  "# Open.\n\nsys_openat: (flags & O_ACCMODE) == O_RDONLY # o\nsys_fstat: 1 # s\n",
	"files": "# Both.\n\nuse io, open\n",
	"net":   "# Net.\n\nsys_socket: family in {AF_INET, AF_INET6} # n\nsys_connect: 1 # c\n",
	"exec":  "# Exec.\n\nsys_execve: 1 # e\nsys_clone: 1 # f\n",
	"self":  "# Self.\n\nsys_kill: pid == self.pid # k\n",
	"fallbacks": `sys_clone3: 0 else errno(ENOSYS)
sys_prctl: 0 else errno(EINVAL) if option == PR_SET_VMA
`,
}

func check(t testing.TB, text string) (*policy.Policy, error) {
	t.Helper()
	arch, ok := kernel.ByName("amd64")
	if !ok {
		t.Fatal("no tables for amd64")
	}
	f, err := rule.Parse("p", text)
	if err != nil {
		return nil, err
	}
	return policy.Check(f, policy.Target{Arch: arch, Sets: policy.Read(sets)})
}

func build(t testing.TB, text string) (*Plan, error) {
	t.Helper()
	p, err := check(t, text)
	if err != nil {
		return nil, err
	}
	return New(p, Env{"self.pid": 4242})
}

func mustBuild(t testing.TB, text string) *Plan {
	t.Helper()
	p, err := build(t, text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return p
}

// verdict answers for a call written as "openat(_, _, 0x41)".
func verdict(t testing.TB, s *Stage, call string) string {
	t.Helper()
	name, list, _ := strings.Cut(strings.TrimSuffix(call, ")"), "(")
	c, ok := s.Table.Arch.Call(name)
	if !ok {
		t.Fatalf("no call %s", name)
	}
	var args [6]uint64
	if list != "" {
		for i, a := range strings.Split(list, ", ") {
			var n int64
			fmt.Sscan(a, &n)
			args[i] = uint64(n)
		}
	}
	return s.Table.Eval(c.Nr, args).Action.String()
}

func TestAlgebra(t *testing.T) {
	const (
		rd, wr       = "openat(0, 0, 0)", "openat(0, 0, 1)"
		inet, inet6  = "socket(2)", "socket(10)"
		unix         = "socket(1)"
		heap, mapped = "mmap(0, 4096, 3, 34, -1)", "mmap(0, 4096, 1, 2, 3)"
	)
	tests := []struct {
		name string
		text string
		want []string // per stage and call: "stage call: verdict"
	}{
		{"a set allows, the rest is denied", "use io", []string{
			"init read: allow", "init getppid: errno EPERM", "init futex: allow"}},
		{"the floor is there without being named", "sys_mmap: 0", []string{
			"init " + heap + ": allow", "init " + mapped + ": errno EPERM", "init mmap(0, 1, 7, 34, -1): errno EPERM"}},
		{"including go takes the floor too, from then on", "use io\nstage a\nuse io\nstage b\nsys_mmap: 0 including go\nstage c", []string{
			"a " + heap + ": allow", "b " + heap + ": errno EPERM", "c " + heap + ": errno EPERM", "c futex: allow"}},
		{"a rule replaces the word of the sets", "use net\nsys_socket: family == AF_UNIX", []string{
			"init " + unix + ": allow", "init " + inet + ": errno EPERM", "init connect: allow"}},
		{"sets are added up", "use net\nset mine { sys_socket: family == AF_UNIX }\nuse mine", []string{
			"init " + unix + ": allow", "init " + inet + ": allow", "init socket(16): errno EPERM"}},
		{"a call goes with its last holder", "stage a\nuse io, open\nstage b\ndrop io\nstage c\ndrop open", []string{
			"a fstat: allow", "b fstat: allow", "b read: errno EPERM", "b " + rd + ": allow", "c fstat: errno EPERM",
			"c " + rd + ": errno EPERM"}},
		{"a part of a set is dropped", "stage a\nuse files\nstage b\ndrop open", []string{
			"a " + rd + ": allow", "b " + rd + ": errno EPERM", "b read: allow", "b fstat: allow"}},
		{"a rule about a set's call goes with the set", "stage a\nuse net\nsys_socket: family == AF_INET\nstage b\ndrop net", []string{
			"a " + inet + ": allow", "b " + inet + ": errno EPERM", "b connect: errno EPERM"}},
		{"but with the last one of them only", "stage a\nuse net\nset mine { sys_socket: family == AF_UNIX; sys_getppid: 1 }\nuse mine\nsys_socket: family == AF_INET\nstage b\ndrop mine\nstage c\ndrop net", []string{
			"a " + unix + ": errno EPERM", "b " + inet + ": allow", "b " + inet6 + ": errno EPERM", "c " + inet + ": errno EPERM"}},
		{"a rule about a call that no set has holds it", "stage a\nuse io\nsys_socket: family == AF_INET\nstage b\ndrop io", []string{
			"b " + inet + ": allow", "b read: errno EPERM"}},
		{"as does one that stands where the set goes", "stage a\nuse net\nstage b\ndrop net\nsys_socket: family == AF_INET", []string{
			"b " + inet + ": allow", "b connect: errno EPERM"}},
		{"only leaves no other holders, rules go on narrowing",
			"stage a\nuse net, io\nsys_socket: family in {AF_INET, AF_UNIX}\nsys_getppid: 1\nstage b\nonly net", []string{
				"a " + unix + ": allow", "a getppid: allow", "b " + unix + ": errno EPERM", "b " + inet + ": allow",
				"b " + inet6 + ": errno EPERM", "b getppid: errno EPERM", "b read: errno EPERM", "b connect: allow"}},
		{"only, then a rule of the same stage", "stage a\nuse net, io\nstage b\nonly io\nsys_connect: 1\nstage c\ndrop io", []string{
			"b connect: allow", "b " + inet + ": errno EPERM", "c connect: allow", "c read: errno EPERM"}},
		{"a later rule is conjoined", "stage a\nuse net\nstage b\nsys_socket: family in {AF_INET, AF_UNIX}", []string{
			"b " + inet + ": allow", "b " + inet6 + ": errno EPERM", "b " + unix + ": errno EPERM"}},
		{"deny speaks of what is newly refused",
			"deny errno(EACCES)\nstage a\nuse io, open\nstage b\ndeny errno(EPERM)\nsys_openat: 0\nsys_read: 0", []string{
				"a getppid: errno EACCES", "b getppid: errno EACCES", "b read: errno EPERM", "b " + rd + ": errno EPERM",
				"b " + wr + ": errno EACCES"}},
		{"an errno is restated", "stage a\nuse io\nstage b\nsys_getppid: 0 else errno(EACCES)\nsys_ptrace: 0 else kill", []string{
			"a getppid: errno EPERM", "b getppid: errno EACCES", "b ptrace: kill"}},
		{"else arms in order", "sys_prctl: option == 1 else kill if option == 2 else log if option == 3 else errno(EACCES)", []string{
			"init prctl(1): allow", "init prctl(2): kill", "init prctl(3): log", "init prctl(4): errno EACCES"}},
		{"what is logged stays logged, and stays refused where it was",
			"stage a\nsys_prctl: option in {1, 2, 3} else errno(EACCES)\nstage b\nsys_prctl: option == 1 else log if option in {2, 9} else kill", []string{
				"b prctl(1): allow", "b prctl(2): log", "b prctl(9): errno EACCES", "b prctl(3): kill"}},
		{"log outlives a later allow", "stage a\nsys_prctl: option == 1 else log\nstage b\nsys_prctl: option in {1, 2}", []string{
			"a prctl(2): log", "b prctl(2): log", "b prctl(1): allow", "b prctl(3): errno EPERM"}},
		{"fallbacks where no rule names the call", "deny kill\nstage a\nuse io\nstage b\nsys_clone3: 0", []string{
			"a clone3: errno ENOSYS", fmt.Sprintf("a prctl(%d): errno EINVAL", 0x53564d41), "a prctl(1): kill", "b clone3: errno ENOSYS"}},
		{"a rule that names it gets the deny", "deny kill\nsys_clone3: 0", []string{"init clone3: kill"}},
		{"locking a further stage", "stage a\nuse io\nstage b\nuse io", []string{
			"a seccomp(1, 1): allow", "a seccomp(1, 3): errno EPERM", "b seccomp(1, 1): errno EPERM"}},
		{"the last stage can still be read back", "stage a\nuse io\nstage b\nuse io", []string{"a pread64: allow", "b pread64: allow"}},
		{"own values bind where no child can be", "use self", []string{
			"init kill(4242): allow", "init kill(1): errno EPERM", "init tgkill(4242, 1, 23): allow", "init tgkill(1, 1, 23): errno EPERM"}},
		{"and do not where one can", "stage a\nuse exec, self\nstage b\ndrop exec", []string{
			"a tgkill(1, 1, 23): allow", "a kill(1): allow", "b tgkill(1, 1, 23): errno EPERM", "b kill(1): errno EPERM", "b kill(4242): allow"}},
		{"a set is dropped where there is no floor", "on_next_syscall: 1\nstage a\nuse io, open\nstage b\ndrop open", []string{
			"a " + rd + ": allow", "a futex: errno EPERM", "b " + rd + ": errno EPERM", "b fstat: allow"}},
		{"a thread is no child", "sys_clone: (clone_flags & CLONE_THREAD) == CLONE_THREAD", []string{
			"init tgkill(1, 1, 23): errno EPERM"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustBuild(t, tt.text)
			for _, w := range tt.want {
				at, rest, _ := strings.Cut(w, " ")
				call, want, _ := strings.Cut(rest, ": ")
				k, ok := p.Index(at)
				if !ok {
					t.Fatalf("no stage %s", at)
				}
				if got := verdict(t, &p.Stages[k], call); got != want {
					t.Errorf("%s %s: %s, want %s", at, call, got, want)
				}
			}
		})
	}
}

func TestUnknownAndForeignNumbers(t *testing.T) {
	p := mustBuild(t, "deny kill\nuse all\nnr(9999): 1")
	table := p.Stages[0].Table
	for nr, want := range map[uint32]string{
		0: "allow", 9999: "allow", 9998: "errno ENOSYS", 1<<32 - 1: "errno ENOSYS", 1 << 30: "kill", 1<<30 + 1: "kill",
	} {
		if got := table.Eval(nr, [6]uint64{}).Action.String(); got != want {
			t.Errorf("nr %d: %s, want %s", nr, got, want)
		}
	}
}

// A set may hold rules about numbers, as a stage may.
func TestNumbersInSets(t *testing.T) {
	p := mustBuild(t, `deny kill
set own { nr(9999): 1; nr(8888): arg0 == 1 }
set more { nr(9999): arg0 == 2 }
stage a
use own, more
stage b
drop own
nr(8888): 0`)
	for _, tt := range []struct {
		nr     uint32
		arg    uint64
		stages [2]string
	}{
		{9999, 0, [2]string{"allow", "errno ENOSYS"}},
		{9999, 2, [2]string{"allow", "allow"}},
		{8888, 1, [2]string{"allow", "kill"}},
		{8888, 0, [2]string{"errno ENOSYS", "errno ENOSYS"}},
		{7777, 0, [2]string{"errno ENOSYS", "errno ENOSYS"}},
	} {
		for k, want := range tt.stages {
			if got := p.Stages[k].Table.Eval(tt.nr, [6]uint64{tt.arg}).Action.String(); got != want {
				t.Errorf("stage %d, nr(%d) with %d: %s, want %s", k, tt.nr, tt.arg, got, want)
			}
		}
	}
	const want = "drop of own: still allowed by others: nr(9999) (more)"
	if len(p.Notes) != 1 || p.Notes[0].Text != want {
		t.Errorf("notes: %v, want %s", p.Notes, want)
	}
}

// On arm a policy has room for so many numbers below those of the last calls that 16 bits would not count them.
func TestMoreNumbersThanCalls(t *testing.T) {
	arm, ok := kernel.ByName("arm")
	if !ok {
		t.Fatal("no arm")
	}
	var b strings.Builder
	b.WriteString("set mine { sys_cacheflush: 1 }\nuse mine\n")
	for i := range 1 << 16 {
		fmt.Fprintf(&b, "nr(%d): 0\n", 1000+i)
	}
	f, err := rule.Parse("p", b.String())
	if err != nil {
		t.Fatal(err)
	}
	checked, err := policy.Check(f, policy.Target{Arch: arm, Sets: policy.Read(sets)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(checked, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := verdict(t, &p.Stages[0], "cacheflush"); got != "allow" {
		t.Errorf("cacheflush: %s, which a set allows", got)
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"1 for what was given up", "stage a\nuse io\nstage b\nsys_connect: 1",
			"p:4:1: sys_connect: 1 would bring back what was given up in stage a (p:1)"},
		{"1 for what was narrowed", "stage a\nsys_socket: family == AF_INET\nstage b\nsys_socket: 1",
			"p:4:1: sys_socket: 1 would bring back what was given up in stage a (p:2)"},
		{"use of what was given up", "stage a\nuse io\nstage b\nuse net",
			"p:4:5: set net would bring back what was given up in stage a (p:1): socket, connect"},
		{"use of numbers that were given up", "stage a\nset own { nr(9999): 1; nr(9998): 1 }\nuse io\nstage b\nuse own",
			"p:5:5: set own would bring back what was given up in stage a (p:1): nr(9998), nr(9999)"},
		{"only of what was never in force", "stage a\nuse io\nstage b\nonly net",
			"p:4:1: set net would bring back what was given up in stage a (p:1): socket, connect"},
		{"an empty conjunction", "stage a\nuse net\nstage b\nsys_socket: family == AF_UNIX",
			"p:4:1: nothing is left of sys_socket: what this allows was given up in stage a (p:1); say sys_socket: 0"},
		{"drop of what is not in force", "stage a\nuse io\nstage b\ndrop net",
			"p:4:6: drop of net, which is not in force: in force are io"},
		{"drop that takes nothing", "stage a\nuse io, files\nset more { sys_read: 1; sys_write: 1; sys_fstat: 1 }\nuse more\nstage b\ndrop io",
			"p:6:6: drop of io takes nothing away: read (more), write (more), fstat (open and more)"},
		{"drop that takes nothing where there is no floor", "on_next_syscall: 1\nstage a\nset heap { sys_mmap: 1 }\nset more { sys_mmap: 1 }\nuse heap, more\nstage b\ndrop heap",
			"p:7:6: drop of heap takes nothing away: mmap (more)"},
		{"drop of what a rule holds", "stage a\nuse io\nsys_openat: 1\nstage b\nuse open\nstage c\ndrop open",
			"p:7:6: drop of open takes nothing away: fstat (io), openat (the rule in stage a (p:3))"},
		{"a weaker refusal", "stage a\nsys_ptrace: 0 else kill\nstage b\nsys_ptrace: 0 else errno(EPERM)",
			"p:4:1: errno EPERM weakens what sys_ptrace gets already in stage a (p:2)"},
		{"no way to the next stage", "stage a\nuse io\nsys_seccomp: 0 including go\nstage b\ndrop io",
			"p:3:1: without seccomp the next stage cannot be locked: say this in the last one"},
		{"nor from a later one", "stage a\nuse io\nstage b\nsys_seccomp: 0 including go\nstage c\ndrop io",
			"p:4:1: without seccomp the next stage cannot be locked: say this in the last one"},
		{"no way to read back", "use io\nsys_pread64: 0 else kill including go",
			"p:2:1: without pread64 no stage can be seen to be in force: leave including go out"},
		{"a whole set is told once", "stage a\nuse io\nstage b\nuse exec, net",
			"p:4:5: set exec would bring back what was given up in stage a (p:1): clone, execve\n" +
				"p:4:11: set net would bring back what was given up in stage a (p:1): socket, connect"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := build(t, tt.text)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotesNameWhoHoldsWhatStayed(t *testing.T) {
	const before = "stage a\nuse io, open\nset heap { sys_mmap: 1; sys_close: 1 }\nuse heap\n"
	for text, want := range map[string][]string{
		before + "sys_openat: 1\nstage b\ndrop open, heap\nsys_fstat: 0": {
			"p:7:12: drop of heap: still allowed by others: mmap (go)",
		},
		before + "stage b\ndrop open\nsys_fstat: 0\nsys_openat: dfd == AT_FDCWD": {
			"p:6:6: drop of open: still allowed by others: openat (the rule in stage b (p:8))",
		},
	} {
		p := mustBuild(t, text)
		var got []string
		for _, n := range p.Notes {
			got = append(got, fmt.Sprintf("%s:%v: %s", n.File, n.Pos, n.Text))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
}

// What a filter says has its values, also where it comes to nothing, as it does behind words that leave nothing over.
func TestFiltersHaveNoSymbols(t *testing.T) {
	p := mustBuild(t, `stage a
sys_kill: sig in {1, 2}
stage b
sys_kill: sig == 1 else errno(EACCES) if sig != 1 else errno(ESRCH) if pid == self.pid`)
	if names := p.Stages[1].Symbols(62); !slices.Equal(names, []string{"self.pid"}) {
		t.Errorf("kill hangs on %v", names)
	}
	for _, d := range p.Filter(0, 1).Calls {
		if symbolic(d.Clauses) {
			t.Errorf("%s: %v", d.Name, d.Clauses)
		}
	}
}

// TestManyStages narrows one call again and again: what is said of it must not double with each stage.
func TestManyStages(t *testing.T) {
	var b strings.Builder
	b.WriteString("stage s\nuse io\nsys_lseek: 1\n")
	const n = policy.MaxStages - 1
	for k := range n {
		fmt.Fprintf(&b, "stage s%d\nsys_lseek: offset > %d\n", k, k)
	}
	p := mustBuild(t, b.String())
	last := &p.Stages[n]
	for call, want := range map[string]string{fmt.Sprintf("lseek(0, %d)", n-1): "errno EPERM", fmt.Sprintf("lseek(0, %d)", n): "allow"} {
		if got := verdict(t, last, call); got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
	}
	if c := last.program(8); len(c) > n+10 {
		t.Errorf("%d clauses about lseek", len(c))
	}
}
