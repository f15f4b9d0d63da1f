package launch_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
)

// anyPid is a table that does not depend on the pid.
func anyPid(t *testing.T, text string) func(int) (*policy.Table, error) {
	t.Helper()
	table := tableOf(t, text)
	return func(int) (*policy.Table, error) { return table, nil }
}

func TestReport(t *testing.T) {
	before, _ := filepath.Glob("/proc/self/fd/*")
	r, err := launch.Report(anyPid(t, "use all\nsys_getppid: 0 else errno(EROFS)\n"), tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	var told []launch.Refusal
	r.Run(func(x launch.Refusal) { told = append(told, x) })
	<-r.Done()
	if code := r.Cmd.ProcessState.ExitCode(); code != int(unix.EROFS) {
		t.Errorf("exit code %d: the program did not see EROFS", code)
	}
	if len(told) != 1 || told[0].Nr != unix.SYS_GETPPID || told[0].Thread != r.Cmd.ProcessState.Pid() ||
		told[0].By.Origin.Line != 2 {
		t.Errorf("told %+v, want the one call", told)
	}
	if after, _ := filepath.Glob("/proc/self/fd/*"); len(after) > len(before) { // earlier tests' files may be collected meanwhile
		t.Errorf("%d descriptors, %d before", len(after), len(before))
	}
}

// An execve comes to the supervisor whatever the policy does about it, since the first one has to pass. No other one does.
// It is called by its path: busybox runs a name that it knows itself.
func TestReportRefusesExec(t *testing.T) {
	for _, action := range []string{"kill", "trap", "errno(EACCES)"} {
		r, err := launch.Report(anyPid(t, "on_next_syscall: 1\nuse all\nsys_execve: 0 else "+action+"\n"), "sh", "-c", "exec /bin/sh -c :")
		if err != nil {
			t.Fatal(err)
		}
		var told []launch.Refusal
		r.Run(func(x launch.Refusal) { told = append(told, x) })
		<-r.Done()
		if code := r.Cmd.ProcessState.ExitCode(); code != 126 {
			t.Errorf("%s: %v: the second exec was let through, want exit status 126", action, r.Cmd.ProcessState)
		}
		if len(told) == 0 || told[0].Nr != unix.SYS_EXECVE || told[0].By.Origin.Line != 3 {
			t.Errorf("%s: told %+v, want the execve", action, told)
		}
	}
}

// A signal that the program handles does not make a refused call fail otherwise, nor come twice.
func TestReportOfTheSignalled(t *testing.T) {
	if !sys.FlagsAvailable(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
		t.Skip("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is there since Linux 5.19")
	}
	r, err := launch.Report(anyPid(t, "on_next_syscall: 1\nuse all\nsys_prlimit64: new_rlim == 0 else errno(EROFS)\n"),
		"sh", "-c", "trap : USR1; ulimit -c 0")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	r.Cmd.Stderr, r.Cmd.Env = &out, append(os.Environ(), "LC_ALL=C")
	count := 0
	r.Run(func(x launch.Refusal) {
		count++
		unix.Kill(x.Thread, unix.SIGUSR1)
		time.Sleep(20 * time.Millisecond) // for the signal to interrupt the call
	})
	<-r.Done()
	if count != 1 || !strings.Contains(out.String(), "Read-only file system") {
		t.Errorf("told %d times; the shell said %q", count, &out)
	}
}

// Of a program that leaves nobody behind, Done is closed when Wait returns: nobody has to guess how long that may take.
func TestReportOfNobodyLeft(t *testing.T) {
	if errno := sys.TellsLastUser(); errno != 0 {
		t.Skip("close_range: ", errno, "; the end of the last one with a filter is told since Linux 5.9")
	}
	table := anyPid(t, "use all\nsys_getppid: 0 else errno(EROFS)\n")
	for range 50 {
		r, err := launch.Report(table, tiny(t))
		if err != nil {
			t.Fatal(err)
		}
		r.Run(func(launch.Refusal) {})
		select {
		case <-r.Done():
		default:
			t.Fatal("Wait has returned, nobody has the filter, and Done is not closed")
		}
	}
}

// Who is killed in the midst of a flood is waited for no longer.
func TestReportOfTheKilled(t *testing.T) {
	for range 10 {
		r, err := launch.Report(anyPid(t, "use all\nsys_umask: 0\n"), "sh", "-c", "while :; do umask 22; done")
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		done := make(chan error, 1)
		go func() {
			done <- r.Run(func(x launch.Refusal) {
				if count++; count == 20 {
					unix.Kill(x.Thread, unix.SIGKILL)
				}
			})
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "killed") {
				t.Errorf("%v, want killed", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it hangs")
		}
	}
}

// A policy may compare with the program's pid, which is known late.
func TestReportOfPid(t *testing.T) {
	var pid int
	r, err := launch.Report(func(n int) (*policy.Table, error) {
		pid = n
		return tableOf(t, "use all\nsys_getppid: 0 else errno(EROFS)\n"), nil
	}, tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.Run(func(launch.Refusal) {}); r.Cmd.ProcessState.ExitCode() != int(unix.EROFS) || r.Cmd.ProcessState.Pid() != pid {
		t.Errorf("%v: process %d, asked for %d", r.Cmd.ProcessState, r.Cmd.ProcessState.Pid(), pid)
	}
	// Without a table nothing is run, and nothing stays.
	wrong := errors.New("wrong")
	if r, err = launch.Report(func(int) (*policy.Table, error) { return nil, wrong }, "sh", "-c", "kill -9 $PPID"); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(func(launch.Refusal) {}); err != wrong || r.Cmd.ProcessState == nil {
		t.Errorf("%v, want %v, and the process waited for", err, wrong)
	}
}

// What the program leaves behind is answered, and told, until it ends, too.
func TestReportOfTheLeft(t *testing.T) {
	if errno := sys.TellsLastUser(); errno != 0 {
		t.Skip("close_range: ", errno, "; the end of the last one with a filter is told since Linux 5.9")
	}
	before, _ := filepath.Glob("/proc/self/fd/*")
	begin, done := filepath.Join(t.TempDir(), "begin"), filepath.Join(t.TempDir(), "done")
	const script = `(while [ ! -e "$1" ]; do sleep 0.02; done; umask 22; /bin/sh -c 'echo here >"$1"' sh "$2") & exit 3`
	r, err := launch.Report(anyPid(t, "on_next_syscall: 1\nuse all\nsys_umask: 0 else errno(EROFS)\n"), "sh", "-c", script, "sh", begin, done)
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Int32
	r.Run(func(x launch.Refusal) { told.Add(1) })
	if code := r.Cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d", code)
	}
	select {
	case <-r.Done():
		t.Fatal("nobody is left")
	default:
	}
	count := told.Load()
	if err := os.WriteFile(begin, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Done():
	case <-time.After(time.Minute):
		t.Fatal("it hangs")
	}
	if told.Load() == count {
		t.Error("nothing was told of who was left")
	}
	if text, err := os.ReadFile(done); string(text) != "here\n" {
		t.Errorf("%q, %v: it could not exec, which the policy allows", text, err)
	}
	if after, _ := filepath.Glob("/proc/self/fd/*"); len(after) > len(before) { // earlier tests' files may be collected meanwhile
		t.Errorf("%d descriptors, %d before", len(after), len(before))
	}
}

func TestReportWithoutProgram(t *testing.T) {
	if _, err := launch.Report(anyPid(t, "use all\nsys_umask: 0\n"), "/"); launch.ExitCode(err) != launch.ExitNotRunnable {
		t.Errorf("%v", err)
	}
	// What fails only at the exec is the program's exit code.
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("no first line\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := launch.Report(anyPid(t, "use all\nsys_umask: 0\n"), path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Run(func(launch.Refusal) {}); r.Cmd.ProcessState.ExitCode() != launch.ExitNotRunnable {
		t.Errorf("%v", r.Cmd.ProcessState)
	}
}
