package kernel

import (
	"strings"
	"testing"
)

func TestTwins(t *testing.T) {
	for _, tt := range []struct{ arch, name, want string }{
		{"386", "mmap", "mmap2"},
		{"386", "mmap2", "mmap"},
		{"arm", "mmap", "mmap2"},
		{"amd64", "mmap", ""},
		{"386", "futex", "futex_time64"},
		{"386", "futex_time64", "futex"},
		{"386", "clock_gettime", "clock_gettime64"},
		{"386", "chown", "chown32"},
		{"386", "newfstatat", "fstatat64"},
		{"386", "lseek", "_llseek"},
		{"386", "socket", "socketcall"},
		{"s390x", "recvmmsg", "socketcall"},
		{"386", "recvmmsg", "recvmmsg_time64 socketcall"},
		{"386", "shmat", "ipc"},
		{"arm", "socket", ""},
		{"amd64", "getdents64", "getdents"},
		{"amd64", "pread64", ""},
		{"amd64", "prlimit64", ""},
		{"amd64", "fadvise64", ""},
		{"arm64", "openat", ""},
	} {
		a, _ := ByName(tt.arch)
		if got := strings.Join(a.Twins(tt.name), " "); got != tt.want {
			t.Errorf("%s on %s: %q, want %q", tt.name, tt.arch, got, tt.want)
		}
	}
}

func TestMultiplexer(t *testing.T) {
	for _, tt := range []struct {
		arch, name, through string
		sub                 uint64
	}{
		{"386", "socket", "socketcall", 1}, {"ppc64le", "accept4", "socketcall", 18}, {"s390x", "sendmmsg", "socketcall", 20},
		{"mips", "semtimedop", "ipc", 4}, {"386", "msgsnd", "ipc", 11}, {"386", "shmctl", "ipc", 24},
		{"amd64", "socket", "", 0}, {"arm", "shmat", "", 0}, {"386", "read", "", 0}, {"386", "", "", 0},
	} {
		a, _ := ByName(tt.arch)
		through, sub, ok := a.Multiplexer(tt.name)
		if ok != (tt.through != "") || through.Name != tt.through || ok && sub != tt.sub {
			t.Errorf("%s on %s: %s %d, want %s %d", tt.name, tt.arch, through.Name, sub, tt.through, tt.sub)
		}
		found := false
		a.Multiplexed(tt.through, func(name string, sub uint64) { found = found || name == tt.name && sub == tt.sub })
		if found != ok {
			t.Errorf("%s on %s: found among the others %t", tt.name, tt.arch, found)
		}
	}
}
