//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/internal/testchild"
)

// A fault is something that is wrong with the process or its surroundings when it locks itself.
type fault struct {
	name   string
	start  syscall.SysProcAttr // how its process is started
	root   bool                // takes root
	nobody bool                // is made as a user without rights
	make   func() error        // in the process, before it locks
	may    string              // how Lock may end: a comma-separated list of nil, error, crash
	seen   func(report) error  // judges the receipt, if Lock returned nil
}

// A report is what a faulty process tells of its Lock.
type report struct {
	Err        string
	Refused    bool // what the stage refuses is refused
	Threads    int
	Verified   int
	Inherited  int
	Unverified string
}

const envFault = "STAGELOCK_FAULT"

// container is a process in namespaces of its own, in which it is root.
var container = syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS,
	UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}

var faults = []fault{
	{name: "none", make: nothing, may: "nil", seen: verified},
	{name: "an ordinary user", nobody: true, make: nothing, may: "nil", seen: verified},
	{name: "no_new_privs set before", make: func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, may: "nil", seen: verified},
	{name: "no_new_privs set before, as an ordinary user", nobody: true, may: "nil", seen: verified,
		make: func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
	{name: "no memory left", make: memory(0), may: "nil,error,crash"},
	{name: "64 KB left", make: memory(64 << 10), may: "nil,error,crash"},
	{name: "1 MB left", make: memory(1 << 20), may: "nil,error,crash"},
	{name: "16 MB left", make: memory(16 << 20), may: "nil,error,crash"},
	{name: "512 MB left", make: memory(512 << 20), may: "nil", seen: verified},
	{name: "no descriptor left", make: descriptors(0), may: "error"},
	{name: "one descriptor left", make: descriptors(1), may: "error"},
	{name: "four descriptors left", make: descriptors(4), may: "nil", seen: partly},
	{name: "no /proc", root: true, start: syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, may: "nil", seen: unseen,
		make: func() error { return unix.Unmount("/proc", unix.MNT_DETACH) }},
	{name: "/proc with hidepid=2", start: container, make: mountProc("hidepid=2"), may: "nil", seen: verified},
	{name: "/proc of one's own processes only", start: container, make: mountProc("subset=pid"), may: "nil", seen: verified},
	{name: "in a container's namespaces", start: container, make: mountProc(""), may: "nil", seen: verified},
	{name: "a partial kernel: seccomp is no call that it knows", make: refuse(unix.SYS_SECCOMP, unix.ENOSYS), may: "error"},
	{name: "a partial kernel: seccomp is not permitted", make: refuse(unix.SYS_SECCOMP, unix.EPERM), may: "error"},
	{name: "a partial kernel: seccomp takes no filters", make: refuse(unix.SYS_SECCOMP, unix.EINVAL), may: "error"},
	{name: "a partial kernel: no prctl, where no_new_privs is set", make: refuse(unix.SYS_PRCTL, unix.ENOSYS), may: "nil", seen: verified},
	{name: "in a container's namespaces, with the host's /proc", start: container, make: nothing, may: "nil", seen: verified},
}

func nothing() error { return nil }

// refuse has a call answered with an errno, as by a kernel that lacks it.
func refuse(nr uint32, errno unix.Errno) func() error {
	return func() error {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		tid, failed := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, []sys.SockFilter{
			{Code: bpf.LoadWord, K: bpf.OffNr},
			{Code: bpf.JumpEq, K: nr, Jf: 1},
			{Code: bpf.Return, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
			{Code: bpf.Return, K: unix.SECCOMP_RET_ALLOW}})
		if tid != 0 || failed != 0 {
			return fmt.Errorf("thread %d, %w", tid, failed)
		}
		return nil
	}
}

// mountProc mounts a /proc of its own.
func mountProc(options string) func() error {
	return func() error {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		return unix.Mount("proc", "/proc", "proc", 0, options)
	}
}

// memory leaves the process so many bytes of addresses.
func memory(left uint64) func() error {
	return func() error {
		statm, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			return err
		}
		pages, err := strconv.ParseUint(strings.Fields(string(statm))[0], 10, 64)
		if err != nil {
			return err
		}
		limit := pages*uint64(os.Getpagesize()) + left
		return unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit})
	}
}

// descriptors leaves the process so many files that it can open.
func descriptors(left uint64) func() error {
	return func() error {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		next := uint64(f.Fd())
		f.Close()
		return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: next + left, Max: next + left})
	}
}

func verified(r report) error {
	if r.Unverified != "" || r.Verified == 0 || r.Verified+r.Inherited < r.Threads {
		return errors.New("not all threads were seen to have the filter")
	}
	return nil
}

func partly(r report) error {
	if r.Unverified == "" {
		return errors.New("it doesn't say that not all threads could be seen")
	}
	return nil
}

func unseen(r report) error {
	if r.Unverified == "" || r.Verified != 0 {
		return errors.New("it doesn't say that no thread could be seen")
	}
	return nil
}

func TestMain(m *testing.M) {
	if name, ok := os.LookupEnv(envFault); ok {
		faulty(name)
	}
	os.Exit(m.Run())
}

// faulty is the process with the fault.
func faulty(name string) {
	testchild.Enter()
	for _, f := range faults {
		if f.name != name {
			continue
		}
		var there sync.WaitGroup
		for range 4 { // threads that are there before
			there.Add(1)
			go func() { runtime.LockOSThread(); there.Done(); select {} }()
		}
		there.Wait()
		if err := f.make(); err != nil {
			fmt.Fprintln(os.Stderr, "fault:", err)
			os.Exit(4)
		}
		err := seccomp.Stage("init").Use("all").Rules("sys_getppid: 0").Lock()
		_, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		r := report{Refused: errno == unix.EPERM}
		if err != nil {
			r.Err = err.Error()
		} else {
			r.Threads = 5
			last := seccomp.Current().Receipts[0]
			r.Verified, r.Inherited, r.Unverified = last.Verified, last.Inherited, last.Unverified
		}
		text, _ := json.Marshal(r)
		os.Stdout.Write(append(text, '\n'))
		os.Exit(0)
	}
	os.Exit(5)
}

// TestFaults locks under every fault: whatever happens, Lock returns nil only if the stage is in force, and an error
// only if nothing is.
func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			if f.root && os.Getuid() != 0 {
				t.Skip("only root can make it")
			}
			attr := f.start
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), envFault+"="+f.name)
			cmd.SysProcAttr = &attr
			if f.nobody && os.Getuid() == 0 {
				attr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
			}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Skipf("the process could not be started, as where user namespaces are not for everyone: %v", err)
			}
			err := cmd.Wait()
			if cmd.ProcessState.ExitCode() == 4 {
				t.Skipf("the fault could not be made: %s", stderr.String())
			}
			var r report
			how := "crash"
			switch {
			case json.Unmarshal(stdout.Bytes(), &r) != nil:
				// The runtime's crash, or the race detector's.
				if code := cmd.ProcessState.ExitCode(); code != 2 && code != 66 || !strings.Contains(stderr.String(), "out of memory") &&
					!strings.Contains(stderr.String(), "cannot allocate memory") && !strings.Contains(stderr.String(), "Resource temporarily unavailable") {
					t.Fatalf("%v\n%s", err, stderr.String())
				}
			case r.Err == "":
				how = "nil"
				if !r.Refused {
					t.Error("Lock returned nil, and nothing is refused")
				}
				if f.seen != nil {
					if err := f.seen(r); err != nil {
						t.Errorf("%v: %+v", err, r)
					}
				}
			default:
				how = "error"
				if r.Refused {
					t.Errorf("the stage is in force, in spite of %s", r.Err)
				}
				if !strings.Contains(stderr.String(), "stagelock: ") {
					t.Errorf("it was not said on stderr: %q", stderr.String())
				}
			}
			t.Logf("%s: %+v", how, r)
			if !strings.Contains(","+f.may+",", ","+how+",") {
				t.Errorf("Lock ended by %s, want %s:\n%s", how, f.may, stderr.String())
			}
		})
	}
}
