package fallbacks

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/seccomptest"
)

// all are the calls of fallbacks.policy, and the functions that make them.
var all = slices.Concat(common, newer)

var common = []fallback{
	{call: "copy_file_range", nr: unix.SYS_COPY_FILE_RANGE, errno: unix.ENOSYS, what: "copy a file to another", run: copyFile},
	{call: "sendfile", nr: unix.SYS_SENDFILE, errno: unix.ENOSYS, what: "send a file", run: sendFile, broken: unix.EPERM},
	{call: "splice", nr: unix.SYS_SPLICE, errno: unix.EINVAL, what: "copy a connection to another", run: proxy, broken: unix.EPERM},
	{call: "fcntl", nr: unix.SYS_FCNTL, args: [6]uintptr{0, unix.F_SETPIPE_SZ}, errno: unix.EPERM, what: "copy a connection to another", run: proxy},
	{call: "faccessat2", nr: unix.SYS_FACCESSAT2, errno: unix.ENOSYS, what: "find a program", run: lookPath, broken: unix.EACCES},
	{call: "pidfd_open", nr: unix.SYS_PIDFD_OPEN, errno: unix.ENOSYS, what: "find a process", run: findProcess},
	{call: "pidfd_send_signal", nr: unix.SYS_PIDFD_SEND_SIGNAL, errno: unix.ENOSYS, what: "start a program and end it by a signal", run: killChild},
	{call: "waitid", nr: unix.SYS_WAITID, errno: unix.ENOSYS, what: "run a program", run: runChild},
	{call: "getrandom", nr: unix.SYS_GETRANDOM, errno: unix.ENOSYS, what: "read random bytes", run: randomBytes,
		more: "\tsys_getrandom: 0 else errno(ENOSYS) including go\n\tsys_mmap: !(flags & MAP_DROPPABLE) else errno(ENOMEM) including go\n"},
	{call: "prctl", nr: unix.SYS_PRCTL, args: [6]uintptr{unix.PR_SET_VMA}, errno: unix.EINVAL, what: "let the heap grow", run: growHeap},
	{call: "socket", nr: unix.SYS_SOCKET, args: [6]uintptr{unix.AF_NETLINK, unix.SOCK_RAW}, errno: unix.EAFNOSUPPORT, what: "resolve an address with a zone", run: resolveZone},
	{call: "socket", nr: unix.SYS_SOCKET, args: [6]uintptr{unix.AF_NETLINK, unix.SOCK_RAW}, errno: unix.EAFNOSUPPORT, what: "be told that interfaces can't be listed", run: listInterfaces},
	{call: "socket", nr: unix.SYS_SOCKET, args: [6]uintptr{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, errno: unix.EPROTONOSUPPORT, what: "listen", run: listenTCP},
	{call: "uname", nr: unix.SYS_UNAME, errno: unix.ENOSYS, what: "copy a file to another", run: copyFile},
	{call: "uname", nr: unix.SYS_UNAME, errno: unix.ENOSYS, what: "listen", run: listenTCP},
	{call: "ioctl", nr: unix.SYS_IOCTL, args: [6]uintptr{1, unix.TCGETS}, errno: unix.ENOTTY, what: "see that this is no terminal", run: noTerminal},
	{call: "openat2", nr: unix.SYS_OPENAT2, errno: unix.ENOSYS, what: "open a file below a directory", run: openBelow},
	{call: "clone3", nr: unix.SYS_CLONE3, errno: unix.ENOSYS, what: "run a program that starts threads", run: runSelf},
	{call: "close_range", nr: unix.SYS_CLOSE_RANGE, errno: unix.ENOSYS, what: "nothing that Go or the C library call by themselves"},
	{call: "preadv2", nr: unix.SYS_PREADV2, errno: unix.ENOSYS, what: "nothing that Go or the C library call by themselves"},
	{call: "pwritev2", nr: unix.SYS_PWRITEV2, errno: unix.ENOSYS, what: "nothing that Go or the C library call by themselves"},
}

// elsewhere says where the others are shown.
var elsewhere = map[string]string{
	"fchmodat2":       "root_linux_test.go, from Go 1.25",
	"sendfile64":      "sendfile, by its name on 32-bit architectures",
	"statx":           "program_linux_test.go",
	"rseq":            "the same",
	"set_robust_list": "the same",
	"openat":          "for malloc of C with many threads: integration/stress, built with cgo",
}

const content = "0123456789abcdef"

func temporary(c *seccomptest.C) *os.File {
	f, err := os.CreateTemp("", "fallbacks")
	c.Must(err)
	c.Must(os.Remove(f.Name()))
	return f
}

func copyFile(c *seccomptest.C) func() error {
	from, to := temporary(c), temporary(c)
	_, err := from.WriteString(content)
	c.Must(err)
	return func() error {
		if _, err := from.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
		got := make([]byte, len(content))
		if _, err := to.ReadAt(got, 0); err != nil || string(got) != content {
			return fmt.Errorf("copied %q, %w", got, err)
		}
		return nil
	}
}

// connected returns the two ends of a connection.
func connected(c *seccomptest.C) (near, far net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.Must(err)
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	c.Must(err)
	far, err = l.Accept()
	c.Must(err)
	return near, far
}

func sendFile(c *seccomptest.C) func() error {
	f := temporary(c)
	_, err := f.WriteString(content)
	c.Must(err)
	near, far := connected(c)
	return func() error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(near, f); err != nil {
			return err
		}
		return arrives(near, far)
	}
}

// arrives closes a connection and reads from its other end what was sent.
func arrives(near, far net.Conn) error {
	near.Close()
	got, err := io.ReadAll(far)
	if err != nil || string(got) != content {
		return fmt.Errorf("read %q, %w", got, err)
	}
	return nil
}

func proxy(c *seccomptest.C) func() error {
	client, front := connected(c)
	back, server := connected(c)
	return func() error {
		if _, err := io.WriteString(client, content); err != nil {
			return err
		}
		client.Close()
		if _, err := io.Copy(back, front); err != nil {
			return err
		}
		return arrives(back, server)
	}
}

func lookPath(c *seccomptest.C) func() error {
	dir, err := os.MkdirTemp("", "fallbacks")
	c.Must(err)
	program := filepath.Join(dir, "program")
	c.Must(os.WriteFile(program, nil, 0o755))
	return func() error {
		defer os.RemoveAll(dir)
		_, err := exec.LookPath(program)
		return err
	}
}

func findProcess(*seccomptest.C) func() error {
	return func() error {
		p, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		return p.Signal(syscall.Signal(0))
	}
}

// program returns one of the system's, which is C's.
func program(c *seccomptest.C, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		c.Skipf("this machine has no %s", name)
	}
	return path
}

func runChild(c *seccomptest.C) func() error {
	cat := program(c, "cat")
	return func() error {
		cmd := exec.Command(cat)
		cmd.Stdin = strings.NewReader(content)
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != content {
			return fmt.Errorf("%q, %w", out, err)
		}
		return nil
	}
}

func killChild(c *seccomptest.C) func() error {
	sleep := program(c, "sleep")
	return func() error {
		cmd := exec.Command(sleep, "60")
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := cmd.Process.Kill(); err != nil {
			return err
		}
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			return fmt.Errorf("it ended with %w", err)
		}
		return nil
	}
}

// runSelf runs this test binary, which with cgo starts its threads through the C library.
func runSelf(c *seccomptest.C) func() error {
	exe, err := os.Executable()
	c.Must(err)
	return func() error {
		cmd := exec.Command(exe, "-test.run=^$")
		cmd.Env = []string{} // not as a case
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("PASS")) {
			return fmt.Errorf("%s, %w", out, err)
		}
		return nil
	}
}

// randomBytes reads them where the vDSO can't answer: its state, for each thread that it hasn't yet, is mapped by a flag that
// the policy refuses.
func randomBytes(*seccomptest.C) func() error {
	return func() error {
		got := make([]byte, 32)
		if _, err := rand.Read(got); err != nil || bytes.Equal(got, make([]byte, 32)) {
			return fmt.Errorf("%x, %w", got, err)
		}
		return nil
	}
}

func growHeap(*seccomptest.C) func() error {
	return func() error {
		var keep [][]byte
		for range 64 {
			keep = append(keep, make([]byte, 1<<20))
		}
		runtime.KeepAlive(keep)
		return nil
	}
}

func resolveZone(*seccomptest.C) func() error {
	return func() error {
		a, err := net.ResolveTCPAddr("tcp6", "[fe80::1%1]:80")
		if err == nil && a.Zone != "1" {
			return errors.New("the zone is " + a.Zone)
		}
		return err
	}
}

func listInterfaces(*seccomptest.C) func() error {
	return func() error {
		if _, err := net.Interfaces(); !errors.Is(err, unix.EAFNOSUPPORT) {
			return fmt.Errorf("the error is %w", err)
		}
		return nil
	}
}

func listenTCP(*seccomptest.C) func() error {
	return func() error {
		config := net.ListenConfig{}
		config.SetMultipathTCP(true)
		l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return l.Close()
	}
}

func noTerminal(c *seccomptest.C) func() error {
	f := temporary(c)
	return func() error {
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != unix.ENOTTY {
			return fmt.Errorf("the error is %w", err)
		}
		return nil
	}
}

// openBelow does what users of openat2 do where there is none.
func openBelow(*seccomptest.C) func() error {
	return func() error {
		fd, err := unix.Openat2(unix.AT_FDCWD, "/proc", &unix.OpenHow{Flags: unix.O_PATH, Resolve: unix.RESOLVE_BENEATH})
		if err == unix.ENOSYS {
			fd, err = unix.Openat(unix.AT_FDCWD, "/proc", unix.O_PATH, 0)
		}
		if err != nil {
			return err
		}
		return unix.Close(fd)
	}
}
