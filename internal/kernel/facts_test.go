package kernel

import (
	"fmt"
	"strings"
	"testing"
)

func (t Type) String() string {
	kind := "u"
	if t.Signed {
		kind = "s"
	}
	if t.Pointer {
		kind = "p"
	}
	return fmt.Sprint(kind, t.Bits)
}

// TestFacts has what is known of single calls, each read in the kernel: where the architectures differ, and what
// policies filter most.
func TestFacts(t *testing.T) {
	for _, f := range []struct{ arch, call, want string }{
		{"amd64", "read", "0 fd:u32 buf:p64 count:u64"},
		{"amd64", "mmap", "9 addr:u64 len:u64 prot:u32 flags:u32 fd:s32 off:u64"},
		{"amd64", "madvise", "28 start:u64 len_in:u64 behavior:s32"},
		{"amd64", "clone", "56 clone_flags:u32 newsp:u64 parent_tidptr:p64 child_tidptr:p64 tls:u64"},
		{"arm64", "clone", "220 clone_flags:u32 newsp:u64 parent_tidptr:p64 tls:u64 child_tidptr:p64"},
		{"amd64", "prctl", "157 option:s32 arg2:u64 arg3:u64 arg4:u64 arg5:u64"},
		{"amd64", "socket", "41 family:s32 type:s32 protocol:s32"},
		{"amd64", "fcntl", "72 fd:u32 cmd:u32 arg:u64"},
		{"amd64", "ioctl", "16 fd:u32 cmd:u32 arg:u64"},
		{"amd64", "openat", "257 dfd:s32 filename:p64 flags:s32 mode:u16"},
		{"amd64", "getpid", "39"},
		{"amd64", "umount2", "166 name:p64 flags:s32"},
		{"amd64", "fstat", "5 fd:u32 statbuf:p64"},
		{"amd64", "mseal", "462 start:u64 len:u64 flags:u64"},
		{"arm64", "listns", "470 req:p64 ns_ids:p64 nr_ns_ids:u64 flags:u32"},
		{"s390x", "rseq_slice_yield", "471"},

		// One pointer to a struct of the arguments; and CLONE_BACKWARDS2.
		{"s390x", "mmap", "90 arg:p64"},
		{"386", "mmap", "90 arg:p32"},
		{"s390x", "clone", "120 newsp:u64 clone_flags:u32 parent_tidptr:p64 child_tidptr:p64 tls:u64"},

		// 64 bits in two registers: any two, an even one first, the high half first.
		{"386", "mmap2", "192 addr:u32 len:u32 prot:u32 flags:u32 fd:s32 pgoff:u32"},
		{"386", "pread64", "180 fd:u32 ubuf:p32 count:u32 poslo:u32 poshi:u32"},
		{"386", "socketcall", "102 call:s32 args:p32"},
		{"386", "fanotify_mark", "339 fanotify_fd:s32 flags:u32 mask_lo:u32 mask_hi:u32 dfd:s32 pathname:p32"},
		{"386", "chown", "182 filename:p32 user:u16 group:u16"},
		{"arm", "pread64", "180 fd:u32 buf:p32 count:u32 pad3:u32 pos_lo:u32 pos_hi:u32"},
		{"mips", "pread64", "4200 fd:u32 buf:p32 count:u32 pad3:u32 pos_hi:u32 pos_lo:u32"},
		{"mipsle", "pread64", "4200 fd:u32 buf:p32 count:u32 pad3:u32 pos_lo:u32 pos_hi:u32"},
		{"mips64le", "pread64", "5016 fd:u32 buf:p64 count:u64 pos:s64"},

		{"arm", "futex_time64", "422 uaddr:p32 op:s32 val:u32 utime:p32 uaddr2:p32 val3:u32"},
		{"arm", "set_tls", "983045 addr:u32"},
		{"arm", "cacheflush", "983042 start:u32 end:u32 flags:u32"},
		{"386", "set_thread_area", "243 u_info:p32"},
		{"mips", "set_thread_area", "4283 addr:u32"},
	} {
		a, _ := ByName(f.arch)
		c, ok := a.Call(f.call)
		var got strings.Builder
		got.WriteString(fmt.Sprint(c.Nr))
		for _, arg := range c.Args() {
			got.WriteString(fmt.Sprintf(" %s:%v", arg.Name, arg.Type))
		}
		if !ok || got.String() != f.want {
			t.Errorf("%s: %s is %s, want %s", f.arch, f.call, got.String(), f.want)
		}
	}
}

func TestConstFacts(t *testing.T) {
	for _, f := range []struct {
		arch, name string
		want       int64
	}{
		{"amd64", "AF_INET", 2}, {"amd64", "AT_FDCWD", -100}, {"amd64", "PR_SET_VMA", 0x53564d41}, {"amd64", "TIOCSTI", 0x5412},
		{"amd64", "EPERM", 1}, {"amd64", "O_ACCMODE", 3}, {"amd64", "FUTEX_WAIT_PRIVATE", 128}, {"amd64", "CLONE_VM", 0x100},
		{"amd64", "CLONE_CLEAR_SIGHAND", 1 << 32}, {"amd64", "ARCH_SET_FS", 0x1002}, {"amd64", "SIGKILL", 9},
		{"amd64", "MADV_COLLAPSE", 25}, {"amd64", "MPOL_BIND", 2}, {"amd64", "P_PIDFD", 3}, {"amd64", "RWF_NOWAIT", 8},
		// What the kernel sets in f_flags, not the 0 of 64-bit C libraries.
		{"amd64", "O_LARGEFILE", 0o100000}, {"arm64", "O_LARGEFILE", 0o400000}, {"ppc64le", "O_LARGEFILE", 0o200000},
		{"arm64", "O_DIRECTORY", 0o40000}, {"amd64", "O_DIRECTORY", 0o200000},
		{"mips64", "SIG_BLOCK", 1}, {"amd64", "SIG_BLOCK", 0}, {"mips", "MAP_ANONYMOUS", 0x800}, {"mips64le", "EFD_NONBLOCK", 0x80},
		{"mips64le", "SOCK_STREAM", 2}, {"mips", "ENOSYS", 89}, {"386", "F_SETLK", 6}, {"386", "F_SETLK64", 13},
		{"s390x", "POSIX_FADV_DONTNEED", 6}, {"ppc64", "TCGETS", 0x402c7413},
	} {
		a, _ := ByName(f.arch)
		if got, ok := a.Const(f.name); !ok || got != f.want {
			t.Errorf("%s: %s is %#x, want %#x", f.arch, f.name, got, f.want)
		}
	}
	a, _ := ByName("arm64")
	if v, ok := a.Const("ARCH_SET_FS"); ok {
		t.Errorf("arm64 has ARCH_SET_FS %#x", v)
	}
	for n, want := range map[uint16]string{1: "EPERM", 11: "EAGAIN", 35: "EDEADLK", 38: "ENOSYS", 95: "EOPNOTSUPP"} {
		if got, ok := a.ErrnoName(n); !ok || got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
	if name, ok := a.ErrnoName(4095); ok {
		t.Errorf("4095 is %s", name)
	}
	for _, name := range []string{"EFD_CLOEXEC", "EPOLLIN", "ETH_P_IP", "AF_INET", "ENOTHING", "E"} {
		if n, ok := a.Errno(name); ok {
			t.Errorf("%s is the errno %d", name, n)
		}
	}
}

// TestAudit compares with <linux/audit.h>.
func TestAudit(t *testing.T) {
	for arch, want := range map[string]uint32{
		"amd64": 0xc000003e, "arm64": 0xc00000b7, "386": 0x40000003, "arm": 0x40000028, "riscv64": 0xc00000f3,
		"ppc64": 0x80000015, "ppc64le": 0xc0000015, "s390x": 0x80000016, "loong64": 0xc0000102, "mips": 0x8, "mipsle": 0x40000008,
		"mips64": 0x80000008, "mips64le": 0xc0000008,
	} {
		a, ok := ByName(arch)
		if !ok || a.Audit != want {
			t.Errorf("%s: %#x, want %#x", arch, a.Audit, want)
		}
		if (a.Bits == 64) != (want&audit64 != 0) || a.BigEndian != (want&auditLE == 0) || a.X32 != (arch == "amd64") {
			t.Errorf("%+v", *a)
		}
	}
	if _, ok := ByName("wasm"); ok {
		t.Error("wasm")
	}
}

// TestElsewhere: what one architecture lacks is still known.
func TestElsewhere(t *testing.T) {
	a, _ := ByName("arm64")
	if _, ok := a.Call("open"); ok || !KnownCall("open") || KnownCall("opne") || KnownCall("") {
		t.Error("open")
	}
	n := 0
	for name := range CallNames() {
		if !KnownCall(name) {
			t.Error(name)
		}
		n++
	}
	if n < 450 {
		t.Error(n)
	}
	x, _ := ByName("amd64")
	if !x.Foreign(1<<30) || x.Foreign(1<<32-1) || x.Foreign(512) || a.Foreign(1<<30) {
		t.Error("x32")
	}
}

func TestPlaceOfCloneFlags(t *testing.T) {
	for _, a := range arches {
		c, ok := a.Call("clone")
		if args := c.Args(); !ok || args[a.CloneFlags()].Name != "clone_flags" {
			t.Errorf("%s: clone takes %v", a.Name, args)
		}
	}
}
