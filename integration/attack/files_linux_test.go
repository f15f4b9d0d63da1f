package attack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// file makes a file with something in it.
func (s *scene) file() string {
	path := filepath.Join(os.Getenv("DIR"), "file")
	s.Must(os.WriteFile(path, []byte("untouched"), 0o600))
	return path
}

// open opens a file and closes it.
func (s *scene) open(path string, flags int) error {
	fd, err := unix.Openat(unix.AT_FDCWD, path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// untouched demands that the file is what it was, through a descriptor that was opened before.
func (s *scene) untouched(f *os.File) {
	s.Allowed("read what was open", func() error {
		b := make([]byte, 32)
		n, err := unix.Pread(int(f.Fd()), b, 0)
		if err == nil && string(b[:n]) != "untouched" {
			s.Errorf("the file was changed: it has %q", b[:n])
		}
		return err
	})
}

// Getting at files behind a rule that lets them be read.
var files = []attack{
	refused("O_TRUNC, O_CREAT and their like behind a read-only rule", func(s *scene) {
		path := s.file()
		f, err := os.Open(path)
		s.Must(err)
		s.lock()
		missing := filepath.Join(filepath.Dir(path), "missing")
		for what, try := range map[string]func() error{
			"O_TRUNC":           func() error { return s.open(path, unix.O_RDONLY|unix.O_TRUNC) },
			"O_CREAT":           func() error { return s.open(missing, unix.O_RDONLY|unix.O_CREAT) },
			"O_CREAT|O_EXCL":    func() error { return s.open(missing, unix.O_RDONLY|unix.O_CREAT|unix.O_EXCL) },
			"O_WRONLY":          func() error { return s.open(path, unix.O_WRONLY) },
			"O_RDWR":            func() error { return s.open(path, unix.O_RDWR) },
			"O_APPEND|O_WRONLY": func() error { return s.open(path, unix.O_WRONLY|unix.O_APPEND) },
			"access mode 3":     func() error { return s.open(path, 3) },
			"O_TMPFILE":         func() error { return s.open(filepath.Dir(path), unix.O_TMPFILE|unix.O_RDWR) },
		} {
			s.Refused(syscall.EPERM, what, try)
		}
		s.untouched(f)
	}),
	refused("flags in the high half of the register", func(s *scene) {
		if !wide() {
			s.Skipf("a register has 32 bits")
		}
		path := s.file()
		f, err := os.Open(path)
		s.Must(err)
		s.lock()
		for _, high := range []int64{1 << 32, -1 << 32, -1 << 63} {
			s.Refused(syscall.EPERM, "O_TRUNC and high bits", func() error { return s.open(path, int(high)|unix.O_TRUNC) })
			s.Refused(syscall.EPERM, "O_RDWR and high bits", func() error { return s.open(path, int(high)|unix.O_RDWR) })
		}
		s.untouched(f)
	}),
	refused("other calls that open, make or change files", func(s *scene) {
		s.lock()
		none := uint64(1<<64 - 1)
		for _, name := range []string{"creat", "truncate", "rename", "renameat", "renameat2", "unlink", "unlinkat",
			"link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "mknod", "mknodat", "chmod", "fchmodat", "chown",
			"fchownat", "utimensat", "setxattr", "open_by_handle_at", "name_to_handle_at", "open_tree", "memfd_create",
			"memfd_secret", "inotify_add_watch", "fanotify_init", "acct", "swapon", "quotactl"} {
			s.call(syscall.EPERM, name, none, 0, none)
		}
		if open, ok := native.Call("open"); ok {
			s.Refused(syscall.EPERM, "open, to truncate", func() error { return raw(uint64(open.Nr), 0, unix.O_TRUNC) })
		}
	}),
	// Where the flags lie in memory the filter can't see them, and whoever changes them after the check could have any.
	refused("flags that lie in memory", func(s *scene) {
		s.lock()
		s.call(syscall.ENOSYS, "openat2", 1<<64-100, 0, 0, 24)
		s.call(syscall.ENOSYS, "clone3", 0, 88)
	}),
	// The file name is such memory: no rule can name it, and the checker says so.
	unrefusable("Paths, addresses, memory", "the name is changed while the call is made", func(s *scene) {
		path := s.file()
		s.Must(os.WriteFile(filepath.Join(filepath.Dir(path), "five"), []byte("the other one"), 0o600))
		s.lock()
		name := append([]byte(path), 0)
		flipped := &name[len(name)-3] // file, five
		var stop atomic.Bool
		defer stop.Store(true)
		go func() {
			for !stop.Load() {
				*flipped ^= 'l' ^ 'v'
				runtime.Gosched()
			}
		}()
		s.Allowed("open now one and now the other, by the same arguments", func() error {
			seen := map[byte]bool{}
			for limit := time.Now().Add(20 * time.Second); len(seen) < 2; {
				cwd := unix.AT_FDCWD
				fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(cwd), address(name), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
				if errno != 0 {
					return errno
				}
				first := []byte{0}
				_, err := unix.Pread(int(fd), first, 0)
				if err := errors.Join(err, unix.Close(int(fd))); err != nil {
					return err
				}
				seen[first[0]] = true
				if time.Now().After(limit) {
					return fmt.Errorf("only the file that begins with %q was opened", first)
				}
			}
			return nil
		})
		s.Refused(syscall.EPERM, "open it to write", func() error { return s.open(path, unix.O_WRONLY) })
	}).in("init"),
	// umode_t has 16 bits: the kernel doesn't look at those above, so a rule must not either.
	refused("mode bits above 16", func(s *scene) {
		f, err := os.Open(s.file())
		s.Must(err)
		s.lockText("use file.io\nsys_fchmod: !(mode & 0o7000) && mode != 0o666\n")
		fd := int(f.Fd())
		for _, high := range []uint32{0, 1 << 16, 1 << 31, 0xffff << 16} {
			s.Refused(syscall.EPERM, "set-user-id", func() error { return unix.Fchmod(fd, high|0o4755) })
			s.Refused(syscall.EPERM, "writable for all", func() error { return unix.Fchmod(fd, high|0o666) })
			s.Allowed("an ordinary mode", func() error { return unix.Fchmod(fd, high|0o600) })
		}
		s.untouched(f)
	}),
}
