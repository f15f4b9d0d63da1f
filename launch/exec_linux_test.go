package launch_test

import (
	"bufio"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/launch"
)

const (
	noExec = "on_next_syscall: 1\nuse all\nsys_execve: 0\nsys_execveat: 0\nsys_getppid: 0\n"
	anExec = "on_next_syscall: 1\nuse all\nsys_getppid: 0\n"
)

// tiny is a program without a runtime: its first instructions make a call, and exit with the errno.
func tiny(t *testing.T) string {
	var code []byte
	switch runtime.GOARCH {
	case "amd64":
		code = []byte{
			0xb8, unix.SYS_GETPPID & 0xff, 0, 0, 0, // mov eax, SYS_getppid
			0x0f, 0x05, // syscall
			0x99,       // cdq: all ones for an error
			0xf7, 0xd8, // neg eax
			0x21, 0xd0, // and eax, edx
			0x89, 0xc7, // mov edi, eax
			0xb8, unix.SYS_EXIT & 0xff, 0, 0, 0, // mov eax, SYS_exit
			0x0f, 0x05, // syscall
		}
	default:
		t.Skip("no machine code for " + runtime.GOARCH)
	}
	const base, headers = 0x400000, 64 + 56
	le := binary.LittleEndian
	elf := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	elf = le.AppendUint16(elf, 2)                       // ET_EXEC
	elf = le.AppendUint16(elf, 62)                      // EM_X86_64
	elf = le.AppendUint32(elf, 1)                       // EV_CURRENT
	for _, x := range []uint64{base + headers, 64, 0} { // entry, program headers, section headers
		elf = le.AppendUint64(elf, x)
	}
	elf = le.AppendUint32(elf, 0)
	for _, x := range []uint16{64, 56, 1, 0, 0, 0} {
		elf = le.AppendUint16(elf, x)
	}
	elf = le.AppendUint32(elf, 1) // PT_LOAD
	elf = le.AppendUint32(elf, 5) // PF_R|PF_X
	size := uint64(headers + len(code))
	for _, x := range []uint64{0, base, base, size, size, 0x1000} {
		elf = le.AppendUint64(elf, x)
	}
	path := filepath.Join(t.TempDir(), "tiny")
	if err := os.WriteFile(path, append(elf, code...), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInForceAtTheFirstInstruction(t *testing.T) {
	path := tiny(t)
	if out, status := run(t, exec.Command(path)); status.ExitStatus() != 0 {
		t.Fatalf("exit code %d when run directly, want 0: %s", status.ExitStatus(), out)
	}
	for _, text := range []string{noExec, anExec} {
		if out, status := run(t, launching(t, none, text, path)); status.ExitStatus() != int(unix.EPERM) {
			t.Errorf("exit code %d, want EPERM: %s", status.ExitStatus(), out)
		}
	}
}

func TestGoPrograms(t *testing.T) {
	for _, tt := range []struct{ name, cgo, outer string }{
		{"static", "0", none},
		{"cgo", "1", none},
		{"under an outer filter", "0", harmless},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := launching(t, tt.outer, noExec, build(t, tt.cgo), "one", "two")
			out, status := run(t, cmd)
			if status != 0 {
				t.Fatalf("status %v: %s", status, out)
			}
			for key, want := range map[string]string{
				"pid": strconv.Itoa(cmd.ProcessState.Pid()), "args": "[one two]", "early getppid": "1",
				"execve": strconv.Itoa(int(unix.ENOSYS)), "threads without": "0",
				"a later thread's getppid": "no a later thread's getppid", "listener": "no listener",
			} {
				if got := field(out, key); got != want {
					t.Errorf("%s: %s, want %s", key, got, want)
				}
			}
		})
	}
}

// What the kernel or an outer filter refuses is a plain error, and the program does not run.
func TestRefused(t *testing.T) {
	for _, tt := range []struct{ outer, policy, want string }{
		{listening, noExec, "not launched|a filter in force has a listener already, and there can be only one"},
		{noListener, noExec, "this needs Linux 5.5, or a policy that allows execve"},
		{noContinue, noExec, "this needs Linux 5.5, or a policy that allows execve"},
		{noSeccomp, noExec, "allow seccomp in the profile"},
		{noSeccomp, anExec, "allow seccomp in the profile"},
	} {
		t.Run(tt.outer, func(t *testing.T) {
			out, status := run(t, launching(t, tt.outer, tt.policy, "echo", "it ran"))
			want := strings.Split(tt.want, "|")
			if status.ExitStatus() != 125 || !strings.Contains(out, want[len(want)-1]) || strings.Contains(out, "it ran") {
				t.Errorf("exit code %d, want 125: %s", status.ExitStatus(), out)
			}
		})
	}
	// A policy that allows execve needs no listener.
	for _, outer := range []string{listening, noContinue} {
		if out, status := run(t, launching(t, outer, anExec, "echo", "it ran")); status != 0 || out != "it ran\n" {
			t.Errorf("%s: status %v, %q", outer, status, out)
		}
	}
}

// However little memory the environment lets the collector leave (GOMEMLIMIT), it does not run while a thread is under the
// filters: what it would wait for is a thread that can't be stopped.
func TestNoCollection(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("no first line\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cmd := launching(t, none, noExec, script)
		cmd.Env = append(os.Environ(), "GOMEMLIMIT=1")
		hangs := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
		if out, status := run(t, cmd); status.ExitStatus() != launch.ExitNotRunnable {
			t.Errorf("status %v, want exit code %d: %s", status, launch.ExitNotRunnable, out)
		}
		hangs.Stop()
	}
}

// A program that may install filters can't put a listener of its own in the place of the one that is closed, and let
// through itself what the first filter refuses.
func TestNoNewListener(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, launcher)); err != nil {
		t.Fatal(err)
	}
	cmd := launching(t, none, noExec, launcher, none, noExec, "echo", "it ran")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, status := run(t, cmd)
	if status.ExitStatus() != 125 || !strings.Contains(out, "a filter in force has a listener already") || strings.Contains(out, "it ran") {
		t.Errorf("exit code %d, want 125: %s", status.ExitStatus(), out)
	}
	// Without a listener it may install what it likes, and what is refused stays so.
	cmd = launching(t, none, noExec, launcher, none, anExec, "echo", "it ran")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, status = run(t, cmd); status.ExitStatus() != 126 || !strings.Contains(out, unix.ENOSYS.Error()) || strings.Contains(out, "it ran") {
		t.Errorf("exit code %d, want 126: %s", status.ExitStatus(), out)
	}
}

// What is strange about a process stays: limits, ignored signals, blocked signals, descriptors.
func TestSameProcess(t *testing.T) {
	// The shell reads by itself: while it waits for a child it blocks signals.
	show := "ulimit -n; while read -r k v; do case $k in SigBlk:|SigIgn:|SigCgt:|PPid:) echo $k $v; esac; done </proc/self/status; " +
		"set -- /proc/$$/fd/*; echo $#"
	shell := "on_next_syscall: 1\nuse all\n"
	script := "trap '' HUP INT; ulimit -Sn 100; exec \"$@\""
	direct, status := run(t, exec.Command("sh", "-c", script, "sh", "bash", "-c", show))
	if status != 0 {
		t.Skip("no bash: ", direct)
	}
	cmd := launching(t, none, shell, "bash", "-c", show)
	launched, status := run(t, exec.Command("sh", append([]string{"-c", script, "sh", "bash", "-c",
		"exec -a " + launcher + " " + cmd.Path + ` "$@"`, "bash"}, cmd.Args[1:]...)...))
	if status != 0 || launched != direct {
		t.Errorf("launched, status %v:\n%s\ndirectly:\n%s", status, launched, direct)
	}
}

func TestSignalEndsTheProgram(t *testing.T) {
	cmd := launching(t, none, noExec, "sh", "-c", "echo $$; kill -TERM $$; sleep 9")
	if out, status := run(t, cmd); !status.Signaled() || status.Signal() != unix.SIGTERM {
		t.Errorf("status %v: %s", status, out)
	}
}

// A set-user-ID program runs as whoever started it.
func TestSetUserID(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("making a set-user-ID program of another user takes root")
	}
	id, err := exec.LookPath("id")
	if err != nil {
		t.Skip("there is no program id: ", err)
	}
	text, err := os.ReadFile(id)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "setuid")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "id")
	for _, err := range []error{os.Chmod(dir, 0o755), os.WriteFile(path, text, 0o755), os.Chown(path, 65534, 65534),
		os.Chmod(path, 0o755|os.ModeSetuid)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if out, _ := run(t, exec.Command(path, "-u")); out != "65534\n" {
		t.Skip("set-user-ID has no effect here anyway: ", out)
	}
	if out, status := run(t, launching(t, none, noExec, path, "-u")); status != 0 || out != "0\n" {
		t.Errorf("status %v, user %s, want 0", status, out)
	}
}

// Many launches at once, on one processor and on all, with signals on the way: each runs its program or is ended by
// the signal, and nothing stays behind.
func TestManyLaunches(t *testing.T) {
	const launches = 200
	before := children(t)
	type result struct {
		out    string
		status syscall.WaitStatus
	}
	results := make(chan result)
	work := make(chan int)
	for range 4 {
		go func() {
			for i := range work {
				cmd := launching(t, none, noExec, "/bin/echo", "ran")
				if i%2 == 0 {
					cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
				}
				var out strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					results <- result{out: err.Error()}
					continue
				}
				for range 5 { // harmless ones: the runtime's own, and one that is ignored by default
					cmd.Process.Signal(unix.SIGURG)
					cmd.Process.Signal(unix.SIGWINCH)
				}
				cmd.Wait()
				results <- result{out.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)}
			}
		}()
	}
	go func() {
		for i := range launches {
			work <- i
		}
		close(work)
	}()
	for range launches {
		if r := <-results; r.status != 0 || r.out != "ran\n" {
			t.Errorf("status %v: %q", r.status, r.out)
		}
	}
	for _, pid := range children(t) {
		if !slices.Contains(before, pid) {
			t.Errorf("process %s is left", pid)
		}
	}
}

// children returns the processes whose parent is this one.
func children(t *testing.T) (pids []string) {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if lines.Text() == "PPid:\t"+strconv.Itoa(os.Getpid()) {
				pids = append(pids, filepath.Base(filepath.Dir(name)))
			}
		}
		f.Close()
	}
	return pids
}
