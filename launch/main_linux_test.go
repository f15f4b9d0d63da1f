package launch_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/seccomptest"
	"github.com/stagelock/seccomp/stage"
)

// The test binary, called by this name, is a launcher: the arguments are an outer filter, a policy and a command.
const launcher = "launcher"

func TestMain(m *testing.M) {
	launch.Main()
	switch os.Args[0] {
	case helperParent:
		runHelperParent()
	case launcher:
	default:
		seccomptest.Main(m)
	}
	under(os.Args[1])
	filters, err := compile(os.Args[2])
	if err == nil {
		var path string
		if path, err = launch.LookPath(os.Args[3]); err == nil {
			err = filters.Exec(path, os.Args[3:], os.Environ())
		}
	}
	fmt.Fprintln(os.Stderr, "not launched:", err)
	os.Exit(launch.ExitCode(err))
}

// compile compiles the last stage of a policy.
func compile(text string) (*launch.Filters, error) {
	t, err := table(text)
	if err != nil {
		return nil, err
	}
	return launch.Compile(t)
}

func tableOf(t *testing.T, text string) *policy.Table {
	t.Helper()
	table, err := table(text)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func table(text string) (*policy.Table, error) {
	f, err := rule.Parse("test.policy", text)
	if err != nil {
		return nil, err
	}
	arch := kernel.Native()
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Running())})
	if err != nil {
		return nil, err
	}
	plan, err := stage.New(p, nil)
	if err != nil {
		return nil, err
	}
	return plan.Stages[len(plan.Stages)-1].Table, nil
}

// Outer filters.
const (
	none       = ""
	harmless   = "a filter that refuses swapon, as a container's does"
	listening  = "a filter with a listener"
	noSeccomp  = "a filter that refuses seccomp"
	noListener = "a filter that refuses user notification, as a kernel before 5.0"
	noContinue = "a filter that refuses to continue a call, as a kernel before 5.5"
)

// under puts the process under an outer filter.
func under(outer string) {
	const (
		ld  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		jeq = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret = unix.BPF_RET | unix.BPF_K
	)
	refuse := func(nr uint32, errno syscall.Errno, more ...sys.SockFilter) []sys.SockFilter {
		f := []sys.SockFilter{{Code: ld}, {Code: jeq, K: nr, Jf: uint8(len(more) + 1)}}
		f = append(f, more...)
		return append(f, sys.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
			sys.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	}
	// arg tests the low word of an argument, for a refusal that is next, or an allowance behind that.
	arg := func(n, value uint32) []sys.SockFilter {
		off := 16 + 8*n
		if kernel.Native().BigEndian {
			off += 4
		}
		return []sys.SockFilter{{Code: ld, K: off}, {Code: jeq, K: value, Jf: 1}}
	}
	var f []sys.SockFilter
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_TSYNC)
	switch outer {
	case none:
		return
	case harmless:
		f = refuse(unix.SYS_SWAPON, unix.EPERM)
	case listening:
		f = refuse(unix.SYS_SWAPON, unix.EPERM)
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	case noSeccomp:
		f = refuse(unix.SYS_SECCOMP, unix.EPERM)
	case noListener:
		f = refuse(unix.SYS_SECCOMP, unix.EOPNOTSUPP, arg(0, unix.SECCOMP_GET_ACTION_AVAIL)...)
	case noContinue:
		f = refuse(unix.SYS_IOCTL, unix.EINVAL, arg(1, unix.SECCOMP_IOCTL_NOTIF_SEND)...)
	default:
		panic("no outer filter " + outer)
	}
	// With a listener TSYNC can't be: all threads are to have the filter, so this one execs.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if tid, errno := sys.SetModeFilter(flags, f); errno != 0 || flags == unix.SECCOMP_FILTER_FLAG_TSYNC && tid != 0 {
		panic(fmt.Sprint("outer filter: ", tid, errno))
	} else if flags == unix.SECCOMP_FILTER_FLAG_NEW_LISTENER {
		// The listener stays open over the exec, as it does in a supervisor.
		unix.FcntlInt(uintptr(tid), unix.F_SETFD, 0)
		os.Args[1] = none
		panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	}
}

// launching returns a command that launches another under a policy.
func launching(t *testing.T, outer, policy string, command ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{launcher, outer, policy}, command...)}
}

// run runs a command, and returns what it printed and its exit code, or the signal that ended it.
func run(t *testing.T, cmd *exec.Cmd) (out string, status syscall.WaitStatus) {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// build builds a program of testdata, once.
func build(t *testing.T, cgo string) string {
	t.Helper()
	program := buildStatic
	if cgo == "1" {
		program = buildCgo
		if _, err := exec.LookPath("cc"); err != nil {
			t.Skip("no C compiler for a program with cgo: ", err)
		}
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildStatic, buildCgo = sync.OnceValues(builder("0")), sync.OnceValues(builder("1"))

func builder(cgo string) func() (string, error) {
	return func() (string, error) {
		dir, err := os.MkdirTemp("", "prober")
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, "prober"+cgo)
		cmd := exec.Command("go", "build", "-o", path, "./testdata/prober")
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %s", err, out)
		}
		return path, nil
	}
}

// field returns the rest of the line that begins with key.
func field(text, key string) string {
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, key+" "); ok {
			return rest
		}
	}
	return "no " + key
}
