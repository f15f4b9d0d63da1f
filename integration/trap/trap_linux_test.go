package trap

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	toolchain = flag.String("toolchain", "", "build the programs with this Go `release`, such as go1.23.12")
	many      = flag.Int("many", 5, "how `often` crashes are repeated that threads race for")
)

// build builds the program that crashes, or skips the test.
func build(t *testing.T, cgo string, flags ...string) (exe string) {
	t.Helper()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("there is no line about a trapped call on " + runtime.GOARCH)
	}
	if cgo == "1" {
		cc, err := exec.Command("go", "env", "CC").Output()
		if err == nil {
			_, err = exec.LookPath(strings.Fields(string(cc))[0])
		}
		if err != nil {
			t.Skipf("a program with cgo needs a C compiler: %v", err)
		}
	}
	exe = filepath.Join(t.TempDir(), "crash")
	cmd := exec.Command("go", append(append([]string{"build", "-o", exe}, flags...), "./testdata/crash")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if *toolchain != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+*toolchain)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// below tells whether the line can be the last one here.
func below() bool {
	return runtime.GOARCH == "amd64" && unix.Prctl(unix.PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0) == nil
}

// run runs the program until it crashes.
func run(t *testing.T, exe, traceback string, args ...string) (out string, status syscall.WaitStatus) {
	t.Helper()
	cmd := exec.Command(exe, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOTRACEBACK="+traceback)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

const (
	getpgid = `stagelock: getpgid\(0x7\) was refused by stage `
	mkdirat = `stagelock: mkdirat\(0xffffffffffffff9c, 0x[0-9a-f]+, 0x1ed\) was refused by stage init, my\.policy:2:1\n`
)

// lineOf returns what is said of a call in a stage.
func lineOf(stage, how string) string {
	switch {
	case how == "std":
		return mkdirat
	case stage == "serve":
		return getpgid + `serve, my\.policy:7:5\n`
	}
	return getpgid + `init, my\.policy:4:5\n`
}

// traceback is what the runtime prints of a trapped call, from its first line to its last, the registers.
const traceback = `SIGSYS: bad system call\nPC=0x(?s:.*)\ngoroutine (?s:.*)\n(gs  |pc  |fault) +0x[0-9a-f]+\n`

// judge holds a crash by a trapped call against what is to be said of it.
func judge(t *testing.T, line, level, out string, status syscall.WaitStatus, isLast bool) {
	t.Helper()
	want := line + traceback
	if isLast {
		want = traceback + line
	}
	switch {
	case level == "crash":
		// The other threads' tracebacks come behind it, of as many as there are.
		want = strings.Replace(want, line, `(?:\n-----\n\n)?`+line, 1) + `(?:(?:\n-----\n\n)?(?:SIGQUIT: quit\n(?s:.*))?)?`
		if status.Signal() != syscall.SIGABRT {
			t.Errorf("ended with %#x, want SIGABRT", status)
		}
	case !status.Exited() || status.ExitStatus() != 2:
		t.Errorf("ended with %#x, want exit status 2", status)
	}
	if i := strings.Index(out, "SIGQUIT: quit\n"); i >= 0 && i < strings.Index(out, "stagelock: ") {
		t.Error("the line comes when other threads may have ended the process")
	}
	if n := strings.Count(out, "stagelock: "); n != 1 || !regexp.MustCompile(`^(?:panic: (?s:.*))?`+want+`$`).MatchString(out) {
		t.Errorf("%d lines: %s\n…\n%s", n, out[:min(len(out), 300)], out[max(len(out)-300, 0):])
	}
}

// TestLastLine: wherever a call is trapped, the line about it is the program's last.
func TestLastLine(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		t.Run("cgo"+cgo, func(t *testing.T) {
			exe := build(t, cgo)
			hows := []string{"call", "raw", "std", "goroutine", "locked", "deferred", "recover", "busy", "threads"}
			if cgo == "1" {
				hows = append(hows, "c")
			}
			for _, how := range hows {
				for _, stage := range []string{"init", "serve"} {
					for _, level := range []string{"none", "single", "all", "crash"} {
						if level == "crash" && how == "threads" {
							continue // the runtime waits ten seconds for threads that are about to crash themselves
						}
						t.Run(how+"/"+stage+"/"+level, func(t *testing.T) {
							out, status := run(t, exe, level, stage, how)
							judge(t, lineOf(stage, how), level, out, status, below())
						})
					}
				}
			}
		})
	}
}

// TestCThread: a thread that Go did not make dies of the signal without a traceback.
func TestCThread(t *testing.T) {
	exe := build(t, "1")
	for _, stage := range []string{"init", "serve"} {
		out, status := run(t, exe, "all", stage, "cthread")
		if !regexp.MustCompile("^"+lineOf(stage, "")+"$").MatchString(out) || status.Signal() != syscall.SIGSYS {
			t.Errorf("%#x: %s", status, out)
		}
	}
}

// TestOwnHandler: one that C had for SIGSYS before the lock is called, behind the line.
func TestOwnHandler(t *testing.T) {
	exe := build(t, "1")
	for _, stage := range []string{"init", "serve"} {
		out, status := run(t, exe, "all", stage, "own")
		if !regexp.MustCompile("^"+lineOf(stage, "")+"own\n$").MatchString(out) || status.ExitStatus() != int(syscall.SIGSYS) {
			t.Errorf("%#x: %s", status, out)
		}
	}
}

// TestGivenUp: a stage that gives up what the last line takes has it above the traceback.
func TestGivenUp(t *testing.T) {
	exe := build(t, "0")
	for _, how := range []string{"call", "std", "threads"} {
		out, status := run(t, exe, "all", "bare", how)
		judge(t, lineOf("bare", how), "all", out, status, false)
	}
}

// TestDispatchIsNoWayOut: a stage that traps allows more, which changes nothing of what it refuses.
func TestDispatchIsNoWayOut(t *testing.T) {
	if !below() {
		t.Skip("there is no Syscall User Dispatch: Linux 5.11, amd64")
	}
	exe := build(t, "0")
	for _, stage := range []string{"init", "serve"} {
		out, status := run(t, exe, "all", stage, "dispatch")
		judge(t, lineOf(stage, ""), "all", out, status, true)
	}
}

// TestNobodyReads: that the traceback and the line have no reader changes nothing of how the program ends.
func TestNobodyReads(t *testing.T) {
	exe := build(t, "0")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := exec.Command(exe, "serve", "call")
	cmd.Stderr = w
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("ended with %v", cmd.ProcessState)
	}
}

// TestKilledMeanwhile: a SIGSYS from elsewhere, which the thread with the last word has to have unblocked, doesn't
// disturb it.
func TestKilledMeanwhile(t *testing.T) {
	exe := build(t, "0")
	for range 20 * *many { // what disturbs it comes once in a hundred times
		cmd := exec.Command(exe, "serve", "call")
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for chunk := make([]byte, 64); ; {
			n, err := stderr.Read(chunk)
			if err != nil {
				break
			}
			out.Write(chunk[:n])
			cmd.Process.Signal(syscall.SIGSYS)
		}
		cmd.Wait()
		judge(t, lineOf("serve", "call"), "single", out.String(), cmd.ProcessState.Sys().(syscall.WaitStatus), below())
	}
}

// TestRace: whichever thread ends the process, the line is the last if one of them was trapped.
func TestRace(t *testing.T) {
	exe := build(t, "0")
	for range *many {
		for _, how := range []string{"instant", "threads", "busy", "two"} {
			out, status := run(t, exe, "all", "serve", how)
			if how == "two" && !strings.Contains(out, "SIGSYS") {
				if !strings.HasPrefix(out, "panic: on purpose\n") || status.ExitStatus() != 2 {
					t.Errorf("%#x: %s", status, out)
				}
				continue
			}
			judge(t, lineOf("serve", how), "all", out, status, below())
		}
	}
}

// TestOtherEnds: what ends otherwise ends as it does without a stage, and nothing is said.
func TestOtherEnds(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		t.Run("cgo"+cgo, func(t *testing.T) {
			exe := build(t, cgo)
			hows := []string{"exit", "exitmany", "panic", "nil", "throw", "overflow", "quit"}
			if cgo == "1" {
				hows = append(hows, "cexit")
			}
			for _, how := range hows {
				for _, level := range []string{"none", "all", "crash"} {
					free, want := run(t, exe, level, "none", how)
					for _, stage := range []string{"init", "serve"} {
						out, got := run(t, exe, level, stage, how)
						first, _, _ := strings.Cut(out, "\n")
						if got&^0x80 != want&^0x80 || strings.Contains(out, "stagelock: ") || !strings.HasPrefix(free, first) || (out == "") != (free == "") {
							t.Errorf("%s, stage %s, GOTRACEBACK=%s: %#x, want %#x: %.200s", how, stage, level, got, want, out)
						}
					}
				}
			}
		})
	}
}
