package attack

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys/foreign"
)

// Ways into the kernel by another ABI, and numbers that no call has.
var entries = []attack{
	deadly("int 0x80, getpid", emulated, func() error { return int80(20) }),
	// i386's number 1 is exit, which of amd64 is write: who compares numbers alone allows it.
	deadly("int 0x80, a number that is allowed in the other ABI", emulated, func() error { return int80(1) }),
	deadly("int 0x80, execve", emulated, func() error { return int80(11) }),
	deadly("x32, a call that is allowed", x32, func() error { return raw(1<<30 | unix.SYS_GETPID) }),
	deadly("x32, execve by its own number", x32, func() error { return raw(1<<30 | 520) }),
	deadly("x32, the last number", x32, func() error { return raw(1<<32 - 2) }),
	deadly("x32, in a register with high bits", x32, func() error { return raw(1<<63 | 1<<30 | unix.SYS_GETPID) }),
	deadly("far into 64-bit code from a 32-bit program", compat, func() error {
		_, err := foreign.Long64(39) // amd64's getpid
		return err
	}),
	// Up to Linux 5.3 these numbers, x32's, worked without its bit.
	refused("x32's numbers without its bit", func(s *scene) {
		x32(s)
		s.lock()
		for nr := uint64(512); nr < 548; nr++ {
			s.Refused(syscall.ENOSYS, "a number of x32", func() error { return raw(nr) })
		}
	}),
	refused("-1, by which a tracer skips a call", func(s *scene) {
		s.lock()
		s.Refused(syscall.ENOSYS, "-1", func() error { return raw(1<<32 - 1) })
		s.Refused(syscall.ENOSYS, "-1 in the whole register", func() error { return raw(1<<64 - 1) })
	}),
	refused("numbers that are negative, huge or unused", func(s *scene) {
		s.lock()
		last := native.At(native.Len() - 1).Nr
		for _, nr := range []uint64{uint64(last) + 1, uint64(last) + 400, 9999, 1 << 16, 1<<30 - 1, 1 << 31, 1<<31 | 59,
			0xdeadbeef, 1<<32 - 4095} {
			if native.Foreign(uint32(nr)) {
				continue // deadly, see above
			}
			s.Refused(syscall.ENOSYS, "a number that is no call's", func() error { return raw(nr) })
		}
	}),
	refused("a number with high bits", func(s *scene) {
		if !wide() {
			s.Skipf("a register has 32 bits")
		}
		s.lock()
		// Whether the kernel looks at 32 bits or at 64: it may not be the call.
		for _, high := range []uint64{1 << 32, 1 << 63, 1<<64 - 1<<32} {
			for _, name := range []string{"execve", "mount", "getppid"} {
				call, _ := native.Call(name)
				nr := high | uint64(call.Nr)
				if err := raw(nr); err != syscall.EPERM && err != syscall.ENOSYS {
					s.Errorf("%s by the number %#x: %v", name, nr, err)
				}
			}
		}
		s.call(syscall.EPERM, "getppid")
	}),
}

// emulated skips where the kernel has no 32-bit entry: the instruction itself would fault.
func emulated(s *scene) {
	if runtime.GOARCH != "amd64" {
		s.Skipf("%s has no int 0x80 beside its own entry", runtime.GOARCH)
	}
	if _, err := os.Stat("/proc/sys/abi/vsyscall32"); err != nil {
		s.Skipf("the kernel has no CONFIG_IA32_EMULATION: it shows no vsyscall32")
	}
	if confined() && child("int80") != nil {
		s.Skipf("a filter is in force already, which refuses 32-bit calls")
	}
	if pid, err := foreign.Int80(20, 0, 0, 0); err != nil || int(pid) != os.Getpid() {
		s.Fatalf("before the lock int 0x80 gave %d, %v", pid, err)
	}
}

// confined tells whether a filter is in force, as a container's is before anything is locked.
func confined() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err != nil || mode != 0
}

func int80(nr uint32) error {
	_, err := foreign.Int80(nr, 0, 0, 0)
	return err
}

func x32(s *scene) {
	if !native.X32 {
		s.Skipf("%s has no x32", native.Name)
	}
}

// compat skips where the program does not run in the 32-bit half of a 64-bit kernel.
func compat(s *scene) {
	if runtime.GOARCH != "386" {
		s.Skipf("only a 386 program can jump into 64-bit code")
	}
	var u unix.Utsname
	s.Must(unix.Uname(&u))
	if machine := unix.ByteSliceToString(u.Machine[:]); machine != "x86_64" {
		s.Skipf("the kernel has no 64-bit code: %s", machine)
	}
	if pid, err := foreign.Long64(39); err != nil || int(pid) != os.Getpid() {
		s.Fatalf("before the lock 64-bit getpid gave %d, %v", pid, err)
	}
}
