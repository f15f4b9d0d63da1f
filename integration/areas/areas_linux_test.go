package areas

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/syslog"
	"mime"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }

// An area is some sets, and what the standard library does with them alone. do prepares and returns what is done once
// they are all there is.
type area struct {
	sets string
	do   func(dir string) (func() error, error)
	test *seccomptest.TestCase
}

var areas = []*area{
	{sets: "file.read, file.io", do: reading},
	{sets: "file", do: writing},
	{sets: "file.lock", do: locking},
	{sets: "file.map", do: mapping},
	{sets: "file.watch", do: watching},
	{sets: "memory", do: memory},
	{sets: "pipe", do: piping},
	{sets: "net.server, net.client", do: talking},
	{sets: "net.unix, net.accept, net.conn", do: local},
	{sets: "net.interfaces", do: func(string) (func() error, error) {
		return func() error {
			_, err := net.Interfaces()
			_, err2 := net.InterfaceAddrs()
			return errors.Join(err, err2)
		}, nil
	}},
	{sets: "net.listen, net.multicast", do: multicast},
	{sets: "dns", do: lookUp},
	{sets: "exec, exec.static, exec.dynamic", do: starting},
	{sets: "signal", do: signals},
	{sets: "ids", do: numbers},
	{sets: "limits", do: limits},
	{sets: "random", do: func(string) (func() error, error) {
		return func() error { _, err := rand.Read(make([]byte, 1000)); return err }, nil
	}},
	{sets: "certs", do: func(string) (func() error, error) {
		return func() error { _, err := x509.SystemCertPool(); return err }, nil
	}},
	{sets: "mime", do: func(string) (func() error, error) {
		return func() error { return same(mime.TypeByExtension(".html"), "text/html; charset=utf-8") }, nil
	}},
	{sets: "time", do: func(string) (func() error, error) {
		return func() error { _ = time.Now().Local().String(); _, err := time.LoadLocation("UTC"); return err }, nil
	}},
	{sets: "syslog", do: logging},
	{sets: "crash.output", do: crashOutput},
}

// A missing is what an area can't be tried without, and the machine hasn't.
type missing string

func (m missing) Error() string { return string(m) }

// all has every case made: they are package variables, as seccomptest wants them.
var all = func() []*area {
	list := slices.Concat(areas, programs, newer)
	for _, a := range list {
		a.test = seccomptest.Case(a.sets, func(c *seccomptest.C) {
			dir := os.Getenv("AREAS_DIR")
			run, err := a.do(dir)
			if lacks := missing(""); errors.As(err, &lacks) {
				c.Skipf("%s", lacks)
			}
			c.Must(err)
			c.Must(seccomp.Declare("area.policy", "deny kill\nstage area\n\tuse "+a.sets+"\n"))
			c.Must(seccomp.Stage("area").Lock())
			c.Allowed(a.sets, run)
		})
	}
	return list
}()

// TestAreas: each area has what its functions call.
func TestAreas(t *testing.T) {
	for _, a := range all {
		t.Run(a.sets, func(t *testing.T) {
			if runtime.GOARCH == "386" && strings.HasPrefix(a.sets, "exec") {
				t.Skip("the machine's programs may be 64-bit ones: a child that enters by another ABI is killed")
			}
			t.Setenv("AREAS_DIR", shortDir(t))
			a.test.Run(t)
		})
	}
}

// shortDir makes a directory with a short name: that of a Unix socket has at most 107 bytes, and the test's own name may be
// most of that.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestEveryAreaIsTried: there is no set that no case has, by itself or as a part of another.
func TestEveryAreaIsTried(t *testing.T) {
	tried := map[string]bool{policy.FloorSet: true, policy.LockSet: true} // in every case
	lib := runtimeset.For(runtimeset.Running())
	for _, a := range all {
		for _, name := range strings.Split(a.sets, ", ") {
			set, err := lib.Set(name, kernel.Native())
			if err != nil || set == nil {
				t.Fatalf("%s: %v, %v", name, set, err)
			}
			tried[name] = true
			for leaf := range set.Leaves {
				tried[leaf.Name] = true
			}
		}
	}
	for _, name := range lib.Names() {
		if !tried[name] {
			t.Errorf("no case has the set %s", name)
		}
	}
}

func same[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}

// each runs steps until one fails.
func each(steps ...func() error) func() error {
	return func() error {
		for i, step := range steps {
			if err := step(); err != nil {
				return fmt.Errorf("step %d: %w", i, err)
			}
		}
		return nil
	}
}

func reading(dir string) (func() error, error) {
	err := errors.Join(
		os.Mkdir(filepath.Join(dir, "d"), 0o777),
		os.WriteFile(filepath.Join(dir, "d", "f"), []byte("text"), 0o666),
		os.Symlink("d/f", filepath.Join(dir, "l")),
	)
	file := filepath.Join(dir, "d", "f")
	return each(
		func() error {
			text, err := os.ReadFile(file)
			return errors.Join(err, same(string(text), "text"))
		},
		func() error { _, err := os.Stat(file); return err },
		func() error { _, err := os.Lstat(filepath.Join(dir, "l")); return err },
		func() error { _, err := os.Readlink(filepath.Join(dir, "l")); return err },
		func() error { _, err := filepath.EvalSymlinks(filepath.Join(dir, "l")); return err },
		func() error { _, err := os.ReadDir(dir); return err },
		func() error {
			return fs.WalkDir(os.DirFS(dir), ".", func(_ string, _ fs.DirEntry, err error) error { return err })
		},
		func() error { return os.Chdir(dir) },
		func() error { _, err := os.Getwd(); return err },
		func() error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err1 := f.Stat()
			_, err2 := f.Seek(1, io.SeekStart)
			_, err3 := f.ReadAt(make([]byte, 1), 2)
			_ = f.Fd()
			return errors.Join(err1, err2, err3)
		},
	), err
}

func writing(dir string) (func() error, error) {
	in := func(name string) string { return filepath.Join(dir, name) }
	return each(
		func() error { return os.WriteFile(in("f"), []byte("text"), 0o666) },
		func() error { return os.MkdirAll(in("a/b/c"), 0o777) },
		func() error { _, err := os.MkdirTemp(dir, "t"); return err },
		func() error { return os.Link(in("f"), in("hard")) },
		func() error { return os.Symlink("f", in("soft")) },
		func() error { return os.Rename(in("hard"), in("a/b/moved")) },
		func() error { return os.Chmod(in("f"), 0o600) },
		func() error { return os.Chown(in("f"), -1, -1) },
		func() error { return os.Lchown(in("soft"), -1, -1) },
		func() error { return os.Chtimes(in("f"), time.Now(), time.Now()) },
		func() error { return os.Truncate(in("f"), 2) },
		func() error {
			f, err := os.CreateTemp(dir, "x")
			if err != nil {
				return err
			}
			defer f.Close()
			_, err1 := f.WriteString("more")
			_, err2 := f.WriteAt([]byte("x"), 9)
			g, err3 := os.Open(in("f"))
			if err3 != nil {
				return err3
			}
			defer g.Close()
			_, err4 := io.Copy(f, g)
			return errors.Join(err1, err2, err4, f.Truncate(3), f.Sync(), f.Chmod(0o666), f.Chown(-1, -1))
		},
		func() error { return os.Remove(in("soft")) },
		func() error { return os.RemoveAll(in("a")) },
	), nil
}

func locking(dir string) (func() error, error) {
	f, err := os.Create(filepath.Join(dir, "f"))
	return func() error {
		fd := int(f.Fd())
		return errors.Join(syscall.Flock(fd, syscall.LOCK_EX), syscall.Flock(fd, syscall.LOCK_UN),
			syscall.FcntlFlock(uintptr(fd), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}))
	}, err
}

func mapping(dir string) (func() error, error) {
	f, err := os.Create(filepath.Join(dir, "f"))
	if err == nil {
		err = f.Truncate(4096)
	}
	fd := int(f.Fd())
	return func() error {
		mem, err := syscall.Mmap(fd, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		if err != nil {
			return err
		}
		mem[0] = 1
		return errors.Join(unix.Msync(mem, unix.MS_SYNC), syscall.Munmap(mem))
	}, err
}

func watching(dir string) (func() error, error) {
	return func() error {
		fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
		if err != nil {
			return err
		}
		wd, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_CREATE)
		if err != nil {
			return err
		}
		_, err = syscall.InotifyRmWatch(fd, uint32(wd))
		return errors.Join(err, syscall.Close(fd))
	}, nil
}

func memory(string) (func() error, error) {
	return func() error {
		mem, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			return err
		}
		return errors.Join(syscall.Mlock(mem), syscall.Munlock(mem), syscall.Mprotect(mem, syscall.PROT_READ), syscall.Munmap(mem))
	}, nil
}

func piping(string) (func() error, error) {
	return func() error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		_, err1 := w.WriteString("x")
		_, err2 := r.Read(make([]byte, 1))
		return errors.Join(err1, err2, r.SetReadDeadline(time.Now()), r.Close(), w.Close())
	}, nil
}

// exchange accepts one connection, and sends a byte through it from the other side.
func exchange(l net.Listener) error {
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.Copy(conn, conn)
			conn.Close()
		}
		done <- err
	}()
	conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		return err
	}
	_, err1 := conn.Write([]byte("x"))
	_, err2 := io.ReadFull(conn, make([]byte, 1))
	return errors.Join(err1, err2, conn.Close(), <-done, l.Close())
}

func talking(string) (func() error, error) {
	return each(
		func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			return exchange(l)
		},
		func() error {
			p, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			_, err1 := p.WriteTo([]byte("x"), p.LocalAddr())
			_, _, err2 := p.ReadFrom(make([]byte, 1))
			return errors.Join(err1, err2, p.Close())
		},
		func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return err
			}
			c := conn.(*net.TCPConn)
			return errors.Join(c.SetNoDelay(false), c.SetKeepAlive(true), c.SetKeepAlivePeriod(time.Minute), c.SetLinger(1),
				c.SetReadBuffer(1<<16), c.SetWriteBuffer(1<<16), c.SetDeadline(time.Now()), c.CloseWrite(), c.Close(), l.Close())
		},
	), nil
}

func local(dir string) (func() error, error) {
	return func() error {
		l, err := net.Listen("unix", filepath.Join(dir, "s"))
		if err != nil {
			return err
		}
		return exchange(l)
	}, nil
}

func multicast(string) (func() error, error) {
	return func() error {
		c, err := net.ListenMulticastUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 250), Port: 0})
		if errors.Is(err, syscall.ENODEV) { // there is no network that could
			return nil
		}
		if err != nil {
			return err
		}
		return c.Close()
	}, nil
}

func lookUp(string) (func() error, error) {
	r := &net.Resolver{PreferGo: true} // what the C library loads for it is the machine's
	return func() error {
		_, err := r.LookupHost(context.Background(), "localhost")
		_, err2 := r.LookupPort(context.Background(), "tcp", "http")
		return errors.Join(err, err2)
	}, nil
}

func starting(string) (func() error, error) {
	return each(
		func() error { return exec.Command("true").Run() },
		func() error {
			out, err := exec.Command("echo", "x").Output()
			return errors.Join(err, same(string(out), "x\n"))
		},
		func() error {
			cmd := exec.Command("sleep", "100")
			if err := cmd.Start(); err != nil {
				return err
			}
			err := cmd.Process.Kill()
			cmd.Wait()
			return err
		},
	), nil
}

func signals(string) (func() error, error) {
	return func() error {
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGUSR1)
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			return err
		}
		<-got
		signal.Stop(got)
		signal.Ignore(syscall.SIGHUP)
		signal.Reset()
		return nil
	}, nil
}

func numbers(string) (func() error, error) {
	return func() error {
		_, _, _, _, _, _ = os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid(), os.Getpid(), os.Getppid()
		_, err1 := os.Getgroups()
		_, err2 := os.Hostname()
		_, err3 := syscall.Getpgid(0)
		return errors.Join(err1, err2, err3, syscall.Getrusage(syscall.RUSAGE_SELF, new(syscall.Rusage)))
	}, nil
}

func limits(string) (func() error, error) {
	return func() error {
		var r syscall.Rlimit
		return errors.Join(syscall.Getrlimit(syscall.RLIMIT_CORE, &r), syscall.Setrlimit(syscall.RLIMIT_CORE, &r))
	}, nil
}

func logging(dir string) (func() error, error) {
	name := filepath.Join(dir, "log")
	p, err := net.ListenPacket("unixgram", name)
	return func() error {
		w, err := syslog.Dial("unixgram", name, syslog.LOG_INFO, "areas")
		if err != nil {
			return err
		}
		err = errors.Join(w.Info("text"), w.Close())
		_ = p // whose lines nobody reads: a datagram waits for its reader
		return err
	}, err
}

func crashOutput(dir string) (func() error, error) {
	f, err := os.Create(filepath.Join(dir, "crash"))
	return func() error {
		return errors.Join(debug.SetCrashOutput(f, debug.CrashOptions{}), f.Close(), debug.SetCrashOutput(nil, debug.CrashOptions{}))
	}, err
}
