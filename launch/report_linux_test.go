package launch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/launch"
)

func TestReport(t *testing.T) {
	before, _ := filepath.Glob("/proc/self/fd/*")
	r, err := launch.Report(tableOf(t, "use all\nsys_getppid: 0 else errno(EROFS)\n"), tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	var told []launch.Refusal
	r.Run(func(x launch.Refusal) { told = append(told, x) })
	if code := r.Cmd.ProcessState.ExitCode(); code != int(unix.EROFS) {
		t.Errorf("exit code %d: the program did not see EROFS", code)
	}
	if len(told) != 1 || told[0].Nr != unix.SYS_GETPPID || told[0].Thread != r.Cmd.ProcessState.Pid() ||
		told[0].By.Origin.Line != 2 {
		t.Errorf("told %+v, want the one call", told)
	}
	if after, _ := filepath.Glob("/proc/self/fd/*"); len(after) != len(before) {
		t.Errorf("%d descriptors, %d before", len(after), len(before))
	}
}

// An execve comes to the supervisor whatever the policy does about it, since the first one has to pass. No other one does.
// It is called by its path: busybox runs a name that it knows itself.
func TestReportRefusesExec(t *testing.T) {
	for _, action := range []string{"kill", "trap", "errno(EACCES)"} {
		r, err := launch.Report(tableOf(t, "on_next_syscall: 1\nuse all\nsys_execve: 0 else "+action+"\n"), "sh", "-c", "exec /bin/sh -c :")
		if err != nil {
			t.Fatal(err)
		}
		var told []launch.Refusal
		r.Run(func(x launch.Refusal) { told = append(told, x) })
		if code := r.Cmd.ProcessState.ExitCode(); code != 126 {
			t.Errorf("%s: %v: the second exec was let through, want exit status 126", action, r.Cmd.ProcessState)
		}
		if len(told) == 0 || told[0].Nr != unix.SYS_EXECVE || told[0].By.Origin.Line != 3 {
			t.Errorf("%s: told %+v, want the execve", action, told)
		}
	}
}

// Who is killed in the midst of a flood is waited for no longer.
func TestReportOfTheKilled(t *testing.T) {
	for range 10 {
		r, err := launch.Report(tableOf(t, "use all\nsys_umask: 0\n"), "sh", "-c", "while :; do umask 22; done")
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

func TestReportWithoutProgram(t *testing.T) {
	if _, err := launch.Report(tableOf(t, "use all\nsys_umask: 0\n"), "/"); launch.ExitCode(err) != launch.ExitNotRunnable {
		t.Errorf("%v", err)
	}
	// What fails only at the exec is the program's exit code.
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("no first line\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := launch.Report(tableOf(t, "use all\nsys_umask: 0\n"), path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Run(func(launch.Refusal) {}); r.Cmd.ProcessState.ExitCode() != launch.ExitNotRunnable {
		t.Errorf("%v", r.Cmd.ProcessState)
	}
}
