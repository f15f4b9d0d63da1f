package refusal

import (
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

func amd64(t *testing.T) *kernel.Arch {
	t.Helper()
	arch, ok := kernel.ByName("amd64")
	if !ok {
		t.Fatal("no tables of amd64")
	}
	return arch
}

func nr(t *testing.T, name string) uint32 {
	t.Helper()
	c, ok := amd64(t).Call(name)
	if !ok {
		t.Fatal("no ", name)
	}
	return c.Nr
}

func TestCall(t *testing.T) {
	const atFdcwd = 1<<64 - 100
	for _, tt := range []struct {
		name  string
		args  [6]uint64
		texts map[int]string
		want  string
	}{
		{"openat", [6]uint64{atFdcwd, 0xc000, 0x80000, 0}, nil, "openat(dfd=AT_FDCWD, filename=0xc000, flags=O_CLOEXEC, mode=0)"},
		{"openat", [6]uint64{3, 0xc000, 0x241, 0o644}, map[int]string{1: `"f"`}, `openat(dfd=3, filename="f", flags=O_WRONLY|O_CREAT|O_TRUNC, mode=420)`},
		{"getpid", [6]uint64{1}, nil, "getpid()"},
		{"socket", [6]uint64{1<<32 | 2, 1, 6}, nil, "socket(family=AF_INET, type=SOCK_STREAM, protocol=6)"}, // 32 bits count
	} {
		if got := Call(amd64(t), nr(t, tt.name), tt.args, tt.texts); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
	if got := Call(amd64(t), 4000, [6]uint64{1, 2}, nil); got != "nr(4000)([0x1 0x2 0x0 0x0 0x0 0x0])" {
		t.Error(got)
	}
}

func TestAllowing(t *testing.T) {
	l := Log{Arch: amd64(t)}
	one, other := &policy.Clause{Origin: &policy.Origin{Source: &policy.Source{}}}, &policy.Clause{Origin: &policy.Origin{Source: &policy.Source{}}}
	way := &policy.Clause{Origin: &policy.Origin{Source: &policy.Source{Kind: policy.FromFallback}}}
	for _, family := range []uint64{2, 10, 2} {
		l.Add(nr(t, "socket"), [6]uint64{family, 1, 0}, one)
	}
	l.Add(nr(t, "socket"), [6]uint64{1, 1, 0}, other)
	l.Add(nr(t, "openat"), [6]uint64{3, 0x1000, 0, 0}, one)
	l.Add(nr(t, "openat"), [6]uint64{3, 0x2000, 0, 0}, one)
	l.Add(nr(t, "chdir"), [6]uint64{0x1000}, one)
	l.Add(nr(t, "getpgid"), [6]uint64{0}, one)
	for i := range uint64(19) {
		l.Add(nr(t, "getpgid"), [6]uint64{i}, one)
	}
	for i := range uint64(20) {
		l.Add(nr(t, "umask"), [6]uint64{i}, one)
	}
	l.Add(nr(t, "mprotect"), [6]uint64{0x7f5812340000, 4096, 1}, one)
	l.Add(nr(t, "ioctl"), [6]uint64{1, 0x5401, 0}, one)
	l.Add(nr(t, "ioctl"), [6]uint64{1, 0x5401, 0x7ffd12345678}, one)
	l.Add(nr(t, "lseek"), [6]uint64{1, 1<<64 - 8, 1}, one)
	l.Add(nr(t, "tgkill"), [6]uint64{4543, 4545, 23}, one)
	l.Add(nr(t, "kill"), [6]uint64{1<<32 - 1, 15}, one)
	l.Add(nr(t, "kill"), [6]uint64{0, 15}, one)
	l.Add(nr(t, "getrusage"), [6]uint64{1<<64 - 1}, one)
	l.Add(nr(t, "mmap"), [6]uint64{0, 1 << 20, 3, 0x22, 1<<32 - 1, 0}, one)
	l.Add(nr(t, "brk"), [6]uint64{0x5ae000}, one)
	l.Add(nr(t, "poll"), [6]uint64{0x1000, 3, 1<<32 - 1}, one)
	l.Add(nr(t, "timer_delete"), [6]uint64{0}, one)
	l.Add(nr(t, "statx"), [6]uint64{1<<32 - 100, 0x1000, 0, 0x7ff, 0x2000}, way)
	l.Add(4000, [6]uint64{}, one)
	if len(l.Seen) != 18 || l.Seen[0].Count != 3 || l.Seen[1].By != other || l.Seen[4].Count != 20 {
		t.Errorf("seen %+v", l.Seen)
	}
	for name, want := range map[string]string{
		"socket":  "sys_socket: family in {AF_UNIX, AF_INET, AF_INET6} && type == SOCK_STREAM && protocol == 0",
		"umask":   "sys_umask: 1 # not compared: mask (many values)",
		"chdir":   "sys_chdir: 1", // pointers can't be compared
		"getpgid": "sys_getpgid: 1 # not compared: pid (an id)",

		// What is another the next time.
		"openat":       "sys_openat: flags == O_RDONLY && mode == 0 # not compared: dfd (a descriptor)",
		"mprotect":     "sys_mprotect: prot == PROT_READ # not compared: start (an address), len (a length)",
		"ioctl":        "sys_ioctl: fd == 1 && cmd == TCGETS # not compared: arg (an address)",
		"lseek":        "sys_lseek: fd == 1 && whence == SEEK_CUR # not compared: offset (a place)",
		"tgkill":       "sys_tgkill: sig == SIGURG # not compared: tgid (an id), pid (an id)",
		"kill":         "sys_kill: pid in {-1..0} && sig == SIGTERM",
		"getrusage":    "sys_getrusage: who == -1",
		"mmap":         "sys_mmap: addr == 0 && prot == PROT_READ|PROT_WRITE && flags == MAP_PRIVATE|MAP_ANONYMOUS && fd == -1 # not compared: len (a length), off (a place)",
		"brk":          "sys_brk: 1 # not compared: brk (an address)",
		"poll":         "sys_poll: 1 # not compared: nfds (a length), timeout_msecs (a time)",
		"statx":        "sys_statx: dfd == AT_FDCWD && flags == 0 && mask == 2047 # not needed: after this errno Go or libc take another way",
		"timer_delete": "sys_timer_delete: 1 # not compared: timer_id (an id)",
	} {
		if got := l.Allowing(nr(t, name)); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		allows(t, l, nr(t, name))
	}
	if got := l.Allowing(4000); got != "nr(4000): 1" {
		t.Error(got)
	}
}

// allows demands that the rule for a call is one of the language, and allows what was seen.
func allows(t *testing.T, l Log, nr uint32) {
	t.Helper()
	f, err := rule.Parse("allowing.policy", "on_next_syscall: 1\n"+l.Allowing(nr)+"\n")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Check(f, policy.Target{Arch: l.Arch, Sets: runtimeset.For(runtimeset.Build{Arch: l.Arch.Name})})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := stage.New(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range l.Seen {
		if x.Nr == nr && !plan.Stages[0].Table.Eval(nr, x.First).Action.Allows() {
			t.Errorf("%s refuses %#x", l.Allowing(nr), x.First)
		}
	}
}

// Numbers that no table has are as many as a program likes to try.
func TestManyNumbers(t *testing.T) {
	l := Log{Arch: amd64(t)}
	one, other := &policy.Clause{Origin: &policy.Origin{Source: &policy.Source{}}}, &policy.Clause{Origin: &policy.Origin{Source: &policy.Source{}}}
	const first, tried = 1000, 100_000
	for i := range uint32(tried) {
		l.Add(first+i, [6]uint64{}, one)
	}
	l.Add(first+tried, [6]uint64{}, other)
	l.Add(nr(t, "getpgid"), [6]uint64{}, one)
	l.Add(first+1, [6]uint64{}, one)
	if len(l.Seen) != manyNumbers+2 {
		t.Fatalf("%d entries", len(l.Seen))
	}
	const last = first + manyNumbers - 1
	for i, want := range map[int]Entry{
		0:               {Nr: first, Count: 1},
		1:               {Nr: first + 1, Count: 2},
		manyNumbers - 1: {Nr: last, Count: tried - manyNumbers + 1, More: true},
		manyNumbers:     {Nr: first + tried, Count: 1},
		manyNumbers + 1: {Nr: nr(t, "getpgid"), Count: 1},
	} {
		if x := l.Seen[i]; x.Nr != want.Nr || x.Count != want.Count || x.More != want.More {
			t.Errorf("entry %d: %+v, want %+v", i, x, want)
		}
	}
	if got := l.Name(l.Seen[manyNumbers-1]); got != "nr(1015) and other numbers" {
		t.Error(got)
	}
	if got := l.Allowing(last); got != "nr(1015): 1 # not allowed by it: other numbers" {
		t.Error(got)
	}
}

func TestWhose(t *testing.T) {
	for want, o := range map[string]policy.Origin{
		"stage serve, p:3:5":     {Source: &policy.Source{Stage: "serve", File: "p"}, Line: 3, Col: 5},
		"stage serve":            {Source: &policy.Source{Stage: "serve"}},
		"no rule, fallbacks:2:1": {Source: &policy.Source{File: "fallbacks"}, Line: 2, Col: 1},
	} {
		if got := Whose(&o); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
