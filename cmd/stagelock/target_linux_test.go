package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stagelock/seccomp/proc"
)

const nobody = 65534

// builds are the programs that tests run against each other.
var builds struct {
	sync.Once
	dir string
	err error
}

// built returns a program: target, or stagelock itself.
func built(t *testing.T, name string) string {
	t.Helper()
	builds.Do(func() {
		if builds.dir, builds.err = os.MkdirTemp("", "stagelock-"); builds.err != nil {
			return
		}
		cleanups = append(cleanups, func() { os.RemoveAll(builds.dir) })
		os.Chmod(builds.dir, 0o755) // other users run them too
		cmd := exec.Command("go", "build", "-o", builds.dir+"/", ".", "./testdata/target")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s", out)
			builds.err = err
		}
		for _, name := range []string{"stagelock", "target"} { // whatever the umask
			os.Chmod(filepath.Join(builds.dir, name), 0o755)
		}
	})
	if builds.err != nil {
		t.Fatal(builds.err)
	}
	return filepath.Join(builds.dir, name)
}

// start starts a program that prints a line when it is ready and ends with its input.
func start(t *testing.T, uid uint32, path string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(path, args...)
	as(cmd, uid)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%s %s: %q, %v\n%s", path, strings.Join(args, " "), line, err, stderr.Bytes())
	}
	return cmd
}

// as makes a command another user's.
func as(cmd *exec.Cmd, uid uint32) {
	cmd.Dir = "/"
	if uid != uint32(os.Getuid()) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
}

// newTarget starts a target for this user.
func newTarget(t *testing.T, how string) *exec.Cmd {
	t.Helper()
	return start(t, uint32(os.Getuid()), built(t, "target"), how)
}

// stagelock runs the command as a user.
func stagelock(t *testing.T, uid uint32, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(built(t, "stagelock"), args...)
	as(cmd, uid)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func pid(cmd *exec.Cmd) string { return strconv.Itoa(cmd.Process.Pid) }

// ownFilters tells how many filters the test itself runs under, such as a container's.
func ownFilters(t *testing.T) int {
	t.Helper()
	states, err := proc.FS{}.Threads(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return states[0].Filters
}
