package refusal

import (
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
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
	one, other := &policy.Clause{}, &policy.Clause{}
	for _, family := range []uint64{2, 10, 2} {
		l.Add(nr(t, "socket"), [6]uint64{family, 1, 0}, one)
	}
	l.Add(nr(t, "socket"), [6]uint64{1, 1, 0}, other)
	l.Add(nr(t, "openat"), [6]uint64{3, 0x1000, 0, 0}, one)
	l.Add(nr(t, "openat"), [6]uint64{3, 0x2000, 0, 0}, one)
	l.Add(nr(t, "chdir"), [6]uint64{0x1000}, one)
	for i := range uint64(20) {
		l.Add(nr(t, "getpgid"), [6]uint64{i}, one)
	}
	l.Add(nr(t, "mprotect"), [6]uint64{0x7f5812340000, 4096, 1}, one)
	l.Add(nr(t, "ioctl"), [6]uint64{1, 0x5401, 0}, one)
	l.Add(nr(t, "ioctl"), [6]uint64{1, 0x5401, 0x7ffd12345678}, one)
	l.Add(nr(t, "lseek"), [6]uint64{1, 1<<64 - 8, 1}, one)
	l.Add(4000, [6]uint64{}, one)
	if len(l.Seen) != 9 || l.Seen[0].Count != 3 || l.Seen[1].By != other || l.Seen[4].Count != 20 {
		t.Errorf("seen %+v", l.Seen)
	}
	for name, want := range map[string]string{
		"socket":  "sys_socket: family in {AF_UNIX, AF_INET, AF_INET6} && type == SOCK_STREAM && protocol == 0",
		"openat":  "sys_openat: dfd == 3 && flags == O_RDONLY && mode == 0", // pointers can't be compared
		"chdir":   "sys_chdir: 1",
		"getpgid": "sys_getpgid: 1", // too many to list

		// Addresses that the kernel takes as numbers differ from run to run.
		"mprotect": "sys_mprotect: len == 4096 && prot == PROT_READ",
		"ioctl":    "sys_ioctl: fd == 1 && cmd == TCGETS",
		"lseek":    "sys_lseek: fd == 1 && offset == -8 && whence == SEEK_CUR",
	} {
		if got := l.Allowing(nr(t, name)); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	if got := l.Allowing(4000); got != "nr(4000): 1" {
		t.Error(got)
	}
}

func TestWhose(t *testing.T) {
	for want, o := range map[string]policy.Origin{
		"stage serve, p:3:5":     {Stage: "serve", File: "p", Line: 3, Col: 5},
		"stage serve":            {Stage: "serve"},
		"no rule, fallbacks:2:1": {File: "fallbacks", Line: 2, Col: 1},
	} {
		if got := Whose(&o); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
