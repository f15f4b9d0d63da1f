package attack

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Getting at memory that should not be written, or not be executed.
var memory = []attack{
	refused("writing through /proc/self/mem", func(s *scene) {
		s.lock()
		for _, flags := range []int{unix.O_RDWR, unix.O_WRONLY, unix.O_RDWR | unix.O_APPEND} {
			s.Refused(syscall.EPERM, "open it to write", func() error { return s.open("/proc/self/mem", flags) })
		}
		if s.stage == "serve" {
			s.Refused(syscall.EPERM, "open it to read", func() error { return s.open("/proc/self/mem", unix.O_RDONLY) })
			return
		}
		f, err := os.Open("/proc/self/mem")
		s.Must(err)
		s.Refused(syscall.EBADF, "write to what was opened to be read", func() error {
			_, err := unix.Pwrite(int(f.Fd()), []byte{0}, int64(code()))
			return err
		})
		s.call(syscall.EPERM, "process_vm_writev", uint64(os.Getpid()))
	}),
	// Where a stage lets files be opened to write, this one is among them, and the kernel writes through it even to code.
	unrefusable("Memory that is written and executed", "/proc/self/mem, where files may be written", func(s *scene) {
		s.lockText("use file.read, file.write, file.io\n")
		s.call(syscall.EPERM, "mprotect", 4096, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC)
		s.Allowed("write over code", func() error {
			f, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
			if err != nil {
				return err
			}
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, int64(code())); err != nil {
				return err
			}
			_, err = f.WriteAt(b, int64(code())) // the same byte
			if errors.Is(err, unix.EIO) {
				s.Logf("this kernel was built without it: CONFIG_PROC_MEM_NO_FORCE or CONFIG_PROC_MEM_FORCE_PTRACE, Linux 6.12")
				return nil
			}
			return err
		})
	}).in("init"),
	// So is that of other processes of the same user, which need not be locked: here, of the one that started this one.
	unrefusable("Other processes", "another process's memory, where files may be written", func(s *scene) {
		parent := os.Getppid()
		s.lockText("use file.write\n")
		s.call(syscall.EPERM, "process_vm_writev", uint64(parent))
		s.call(syscall.EPERM, "ptrace", unix.PTRACE_SEIZE, uint64(parent))
		s.Allowed("open it to write", func() error {
			err := s.open(fmt.Sprintf("/proc/%d/mem", parent), unix.O_WRONLY)
			if errors.Is(err, unix.EACCES) {
				s.Logf("here only a process's descendants may be written: /proc/sys/kernel/yama/ptrace_scope")
				return nil
			}
			return err
		})
	}).in("init"),
	// What was mapped before the lock needs no call: neither to change a file nor to talk to another process.
	unrefusable("What is open", "a file that was mapped before, and closed", func(s *scene) {
		path := s.file()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		s.Must(err)
		shared, err := unix.Mmap(int(f.Fd()), 0, 1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		s.Must(err)
		s.Must(f.Close())
		seen, err := os.Open(path)
		s.Must(err)
		s.lock()
		s.Refused(syscall.EPERM, "open it to write", func() error { return s.open(path, unix.O_WRONLY) })
		s.Allowed("change it", func() error {
			shared[0] = 'U'
			b := make([]byte, len("Untouched"))
			_, err := unix.Pread(int(seen.Fd()), b, 0)
			if err == nil && string(b) != "Untouched" {
				s.Errorf("the file has %q", b)
			}
			return err
		})
	}),
	// The runtime has to map memory; what else is asked for by the same call the filter can't see.
	unrefusable("mmap on s390x", "memory that can be executed, where mmap's arguments lie in memory", func(s *scene) {
		if runtime.GOARCH != "s390x" {
			s.Skipf("%s passes mmap's arguments in registers", runtime.GOARCH)
		}
		s.lock()
		s.Allowed("map memory that can be executed", func() error {
			_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
			return err
		})
		s.call(syscall.EPERM, "mprotect", 4096, 4096, unix.PROT_READ|unix.PROT_EXEC)
	}),
	refused("memory that can be executed", func(s *scene) {
		s.lock()
		const page, rwx = 4096, unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
		if runtime.GOARCH != "s390x" { // whose mmap takes a pointer: no filter can tell
			for prot := uint64(unix.PROT_EXEC); prot < 8; prot++ {
				s.call(syscall.EPERM, "mmap", 0, page, prot, unix.MAP_PRIVATE|unix.MAP_ANON)
			}
		}
		s.call(syscall.EPERM, "mprotect", page, page, unix.PROT_READ|unix.PROT_EXEC)
		s.call(syscall.EPERM, "pkey_mprotect", page, page, rwx, 0)
		s.call(syscall.EPERM, "remap_file_pages", page, page)
		s.call(syscall.EPERM, "shmat", 1<<64-1, 0, 0o100000) // SHM_EXEC
		s.call(syscall.EPERM, "memfd_create")
		s.call(syscall.EPERM, "personality", 0x400000) // READ_IMPLIES_EXEC
		s.call(syscall.EPERM, "userfaultfd")
		s.call(syscall.EPERM, "process_madvise")
		s.call(syscall.EPERM, "process_vm_writev")
		s.call(syscall.EPERM, "modify_ldt", 1)
	}),
}

// code is where a function begins: in memory that is executed and not written.
func code() uintptr { return reflect.ValueOf(raw).Pointer() }
