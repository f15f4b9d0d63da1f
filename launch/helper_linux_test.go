package launch_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/seccomptest"
)

var helped = seccomptest.Case("a locked process has programs started", func(c *seccomptest.C) {
	filters, err := compile(noExec)
	c.Must(err)
	helper := launch.NewHelper()
	sh := helper.Allow(nil, "sh")
	strict := helper.Allow(filters, "sh")
	c.Must(helper.Start())
	c.Must(seccomp.Stage("serve").Use("file.io", "net.conn").Lock())

	c.Refused(syscall.EPERM, "exec", func() error { return exec.Command("/bin/true").Run() })
	out, err := sh.Command("-c", `echo "$1" $(umask 22)`, "sh", "a b").Output()
	if string(out) != "a b\n" || err != nil {
		c.Errorf("%q, %v", out, err)
	}
	if err := strict.Command("-c", "/bin/true; exit $?").Run(); err == nil || err.Error() != "exit status 126" {
		c.Errorf("exec under filters that refuse it: %v", err)
	}
	if err := sh.Command("-c", "/bin/true; exit $?").Run(); err != nil {
		c.Errorf("exec without filters: %v", err)
	}
	cmd := sh.Command("-c", "exit 3")
	var exit *launch.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.Status.ExitStatus() != 3 || err.Error() != "exit status 3" {
		c.Errorf("exit 3: %v", err)
	}
	cmd = sh.Command("-c", "echo $$; exec sleep 60")
	c.Must(cmd.Start())
	c.Must(cmd.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err == nil || err.Error() != "signal: terminated" || cmd.Pid == 0 {
		c.Errorf("a program that gets SIGTERM: %v", err)
	}
	// Many at once, with descriptors of theirs.
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			out, err := sh.Command("-c", "echo "+strconv.Itoa(i)).Output()
			if string(out) != strconv.Itoa(i)+"\n" || err != nil {
				c.Errorf("%d: %q, %v", i, out, err)
			}
		}()
	}
	wg.Wait()
	c.Must(helper.Close())
	if err := sh.Command("-c", "true").Run(); !errors.Is(err, launch.ErrHelper) {
		c.Errorf("without a helper: %v", err)
	}
})

func TestHelper(t *testing.T) { helped.Run(t) }

func TestHelperFiles(t *testing.T) {
	helper := launch.NewHelper()
	sh := helper.Allow(nil, "sh")
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	defer helper.Close()
	in, err := os.CreateTemp(t.TempDir(), "in")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	in.WriteString("text\n")
	in.Seek(0, io.SeekStart)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := sh.Command("-c", "cat; echo error >&2; cat <&3; ls -l /proc/self/fd >&4 2>/dev/null") // busybox complains of its own
	links, err := os.Create(filepath.Join(t.TempDir(), "links"))
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	again, err := os.Open(in.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = in, w, w, []*os.File{again, links}
	err = cmd.Run()
	w.Close()
	out, _ := io.ReadAll(r)
	if string(out) != "text\nerror\ntext\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	text, _ := os.ReadFile(links.Name())
	if strings.Contains(string(text), "socket:") {
		t.Errorf("the program has the helper's socket:\n%s", text)
	}
	if err := sh.Command().Start(); err != nil { // reads /dev/null
		t.Error(err)
	}
}

func TestHelperOfNothing(t *testing.T) {
	helper := launch.NewHelper()
	p := helper.Allow(nil, "./no-such-program")
	if err := helper.Start(); launch.ExitCode(err) != launch.ExitNotFound {
		t.Errorf("%v", err)
	}
	if err := p.Command().Run(); !errors.Is(err, launch.ErrHelper) {
		t.Errorf("%v", err)
	}
	if err := p.Command().Wait(); !errors.Is(err, launch.ErrHelper) {
		t.Errorf("%v", err)
	}
	if err := p.Command().Signal(syscall.SIGTERM); !errors.Is(err, launch.ErrHelper) {
		t.Errorf("%v", err)
	}
}

// The test binary, called by this name, starts a helper and two programs, says the pids, and waits.
const helperParent = "helper-parent"

func runHelperParent() {
	filters, err := compile(anExec)
	if err != nil {
		panic(err)
	}
	helper := launch.NewHelper()
	plain, strict := helper.Allow(nil, "sleep"), helper.Allow(filters, "sleep")
	if err := helper.Start(); err != nil {
		panic(err)
	}
	x, y := plain.Command("60"), strict.Command("60")
	if err := errors.Join(x.Start(), y.Start()); err != nil {
		panic(err)
	}
	// The second becomes its program some time later.
	for name := ""; name != "sleep"; time.Sleep(time.Millisecond) {
		line, err := os.ReadFile("/proc/" + strconv.Itoa(y.Pid) + "/cmdline")
		if err != nil {
			panic(err)
		}
		name, _, _ = strings.Cut(string(line), "\x00")
	}
	fmt.Fprintln(os.Stderr, x.Pid, y.Pid)
	if err := x.Wait(); errors.Is(err, launch.ErrHelper) && errors.Is(y.Wait(), launch.ErrHelper) {
		fmt.Fprintln(os.Stderr, "the helper has gone")
	}
	time.Sleep(time.Hour)
}

// The death of either side leaves no process behind.
func TestHelperDies(t *testing.T) {
	for _, who := range []string{"process", "helper"} {
		t.Run(who, func(t *testing.T) {
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := &exec.Cmd{Path: exe, Args: []string{helperParent}}
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				cmd.Process.Kill()
				cmd.Wait()
			})
			line := make([]byte, 64)
			n, err := stderr.Read(line)
			if err != nil {
				t.Fatal(err)
			}
			pids := strings.Fields(string(line[:n]))
			if len(pids) != 2 {
				t.Fatalf("it says %q", line[:n])
			}
			helper := parentOf(t, pids[0])
			if helper == os.Getpid() || helper == cmd.Process.Pid {
				t.Fatal("the programs are not the helper's children")
			}
			if who == "process" {
				cmd.Process.Kill()
				cmd.Wait()
			} else {
				unix.Kill(helper, unix.SIGKILL)
				n, _ := stderr.Read(line)
				if got := string(line[:n]); !strings.HasPrefix(got, "the helper has gone\n") {
					t.Errorf("the process says %q", got)
				}
			}
			for _, pid := range append(pids, strconv.Itoa(helper)) {
				ends(t, pid)
			}
		})
	}
}

// parentOf returns the id of a process's parent.
func parentOf(t *testing.T, pid string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nPPid:\t")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ends waits for a process to end; as a zombie it has.
func ends(t *testing.T, pid string) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil || strings.Contains(string(status), "\nState:\tZ") {
			return
		}
	}
	t.Errorf("process %s is still there", pid)
}
