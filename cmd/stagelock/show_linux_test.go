package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/published"
	"github.com/stagelock/seccomp/proc"
)

// mayFetch skips where the kernel shows no filters to this user. Root under no filter is shown them, unless a container
// took that right away.
func mayFetch(t *testing.T) {
	t.Helper()
	header, sets := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
	if err := unix.Capget(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 || sets[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
		t.Skip("PTRACE_SECCOMP_GET_FILTER needs CAP_SYS_ADMIN")
	}
	users, err := os.ReadFile("/proc/self/uid_map")
	if err == nil && !slices.Equal(strings.Fields(string(users)), []string{"0", "0", "4294967295"}) {
		t.Skip("PTRACE_SECCOMP_GET_FILTER needs CAP_SYS_ADMIN in the first user namespace")
	}
	if n := ownFilters(t); n > 0 {
		t.Skipf("PTRACE_SECCOMP_GET_FILTER needs a caller without filters, and the test runs under %d", n)
	}
}

// shows runs show, which must succeed, and demands patterns in what it prints.
func shows(t *testing.T, args []string, patterns ...string) string {
	t.Helper()
	out, errs, code := stagelock(t, uint32(os.Getuid()), append([]string{"show"}, args...)...)
	if code != 0 || errs != "" {
		t.Fatalf("show %s: exit code %d: %s", strings.Join(args, " "), code, errs)
	}
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(out) {
			t.Errorf("show %s printed nothing that matches %s, but\n%s", strings.Join(args, " "), p, out)
		}
	}
	return out
}

// goesOn demands that a process is neither stopped nor traced nor dead.
func goesOn(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	states, err := proc.FS{}.Threads(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		if s.Run == 't' || s.Run == 'T' || s.Exiting() {
			t.Fatalf("thread %d is in state %c", s.Tid, s.Run)
		}
	}
}

func TestShowByHand(t *testing.T) {
	mayFetch(t)
	raw := newTarget(t, "raw")
	out := shows(t, []string{pid(raw)}, `^# process \d+, .*target raw$`,
		`threads, 2 filters of 10 instructions, which the kernel counts as \d+ of at most 32768$`,
		`^sys_getppid: 0 else errno\(EPERM\)$`, `^sys_socket: family != AF_UNIX$`)
	policy := filepath.Join(t.TempDir(), "shown.policy")
	if err := os.WriteFile(policy, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := stagelock(t, uint32(os.Getuid()), "eval", policy, "getppid"); out != "errno EPERM\n" || code > 1 {
		t.Errorf("what is shown, asked for getppid: %q, %q", out, errs)
	}
	shows(t, []string{"-each", pid(raw)}, `^# filter 1 of 2, the oldest: 4 instructions$`,
		`^# filter 2 of 2, the newest, refusals are logged: 6 instructions$`)
	shows(t, []string{"-asm", pid(raw)}, `^l0: +ld +\[0\] +; nr$`, `; getppid$`, `^l5: +ret `)
	goesOn(t, raw)
}

func TestShowThreadsThatDiffer(t *testing.T) {
	mayFetch(t)
	odd := newTarget(t, "odd")
	shows(t, []string{pid(odd)}, `^# \d+ of \d+ threads: [\d, …]+, 1 filter of 4`, `^# 1 of \d+ threads: \d+, 2 filters of 10`)
}

func TestShowOurOwn(t *testing.T) {
	mayFetch(t)
	own := newTarget(t, "own")
	shows(t, []string{pid(own)}, `^# it claims to be in stage serve of target\.policy since .*, and the filters it claims are in force$`,
		`^sys_pread64: 1`, `^deny errno\(EPERM\)$`)
	shows(t, []string{"-source", pid(own)}, `stage serve of target\.policy\.$`, `^    use file\.read, file\.io$`)
	more := newTarget(t, "more")
	shows(t, []string{pid(more)}, `^# it disagrees with the kernel: it claims \d+ filters, the kernel counts \d+`)
}

// Who may not ask the kernel is shown what the process published, is told that, and what it would take.
func TestShowClaim(t *testing.T) {
	user := uint32(os.Getuid())
	if user == 0 {
		user = nobody
	}
	his := start(t, user, built(t, "target"), "own")
	out, errs, code := stagelock(t, user, "show", pid(his))
	if code != 0 || !strings.Contains(errs, "CAP_SYS_ADMIN") || !strings.Contains(out, "the process's own claim: stage serve") {
		t.Fatalf("exit code %d\n%s%s", code, errs, out)
	}
	if os.Getuid() != 0 {
		return
	}
	theirs := newTarget(t, "raw")
	if _, errs, code := stagelock(t, nobody, "show", pid(theirs)); code != 1 || !strings.Contains(errs, "permission denied") {
		t.Errorf("of another's process: exit code %d, %s", code, errs)
	}
	if ownFilters(t) > 0 {
		return
	}
	shown := shows(t, []string{pid(his)}, "claims are in force$")
	rules := regexp.MustCompile(`(?m)^sys_\w+: 1$`)
	if got, want := rules.FindAllString(out, -1), rules.FindAllString(shown, -1); len(want) < 20 || !slices.Equal(got, want) {
		t.Errorf("claimed are %v, in force %v", got, want)
	}
}

// A process may claim what it likes.
func TestShowEmptyClaim(t *testing.T) {
	if ownFilters(t) > 0 {
		t.Skip("this process is under a filter")
	}
	if !sealsFutureWrites(t) {
		t.Skip("F_SEAL_FUTURE_WRITE needs Linux 5.1, and nothing is published without it")
	}
	page, err := published.New(1 << 12)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	claim := proc.Claim{Stage: "serve", Policy: "brave.policy", Mode: "enforce", Filters: 2, Own: 2}
	page.Put(claim.Text(page.Room()))
	self := strconv.Itoa(os.Getpid())
	shows(t, []string{self}, `: no filter is in force$`, `^# it claims to be in stage serve of brave.policy since `,
		`^# it disagrees with the kernel: it claims 2 filters, the kernel says that the mode is disabled`)
	if out, errs, code := stagelock(t, uint32(os.Getuid()), "ps", self); code != 0 || !strings.Contains(out, "it claims 2 filters, the kernel says") {
		t.Errorf("ps: exit code %d, %s%s", code, out, errs)
	}
}

// sealsFutureWrites tells whether the kernel knows the seal.
func sealsFutureWrites(t *testing.T) bool {
	t.Helper()
	fd, err := unix.MemfdCreate("seal", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE)
	if err != nil && err != unix.EINVAL {
		t.Fatal(err)
	}
	return err == nil
}

func TestShowMistakes(t *testing.T) {
	none := newTarget(t, "none")
	if ownFilters(t) == 0 {
		shows(t, []string{pid(none)}, `: no filter is in force$`)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"show"}, 2, "one PID is wanted, not 0"},
		{[]string{"show", "init"}, 2, `"init" is no process id`},
		{[]string{"show", "-each", "-asm", "1"}, 2, "exclude each other"},
		{[]string{"show", "999999999"}, 1, "process 999999999: "},
	} {
		if _, errs, code := stagelock(t, uint32(os.Getuid()), tt.args...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%v: exit code %d, %s", tt.args, code, errs)
		}
	}
}

func TestShowTraced(t *testing.T) {
	mayFetch(t)
	raw := newTarget(t, "raw")
	done, release := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // and never unlocked: that it ends detaches
		done <- unix.PtraceSeize(raw.Process.Pid)
		<-release
		close(done)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	out, errs, _ := stagelock(t, 0, "show", pid(raw))
	if want := "it is being traced by process " + strconv.Itoa(os.Getpid()); !strings.Contains(errs, want) {
		t.Errorf("while it is traced: %s\n%s", errs, out)
	}
	close(release)
	<-done
}

// Sleeps are interrupted by being looked at. Here the kernel may not restart them.
func TestShowLetsSleep(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("a tracer can choose how an interrupted call goes on only on amd64")
	}
	mayFetch(t)
	asleep := newTarget(t, "restart")
	for range 20 {
		shows(t, []string{pid(asleep)}, "^sys_restart_syscall: 0")
	}
	goesOn(t, asleep)
}

// A stopped process stays stopped, and none is stopped by being looked at.
func TestShowStopped(t *testing.T) {
	mayFetch(t)
	raw := newTarget(t, "raw")
	if err := raw.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	shows(t, []string{pid(raw)}, "sys_getppid")
	// A thread that is let go wakes, and stops again before it is back in the program: "Reinstate JOBCTL_STOP_PENDING if
	// group stop is in effect" (kernel/ptrace.c, __ptrace_unlink).
	running := func() (s []proc.State) {
		states, err := proc.FS{}.Threads(raw.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(states, func(s proc.State) bool { return s.Run == 'T' })
	}
	for limit := time.Now().Add(time.Minute); len(running()) > 0 && time.Now().Before(limit); time.Sleep(time.Millisecond) {
	}
	for _, s := range running() {
		t.Errorf("thread %d is in state %c", s.Tid, s.Run)
	}
	raw.Process.Signal(syscall.SIGCONT)
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if states, err := (proc.FS{}).Threads(raw.Process.Pid); err == nil && states[0].Run != 'T' {
			break
		}
	}
	goesOn(t, raw)
}

// Killed at any moment, stagelock leaves no process stopped.
func TestShowKilled(t *testing.T) {
	mayFetch(t)
	raw, odd := newTarget(t, "raw"), newTarget(t, "odd")
	binary, killed := built(t, "stagelock"), 0
	takes := 20 * time.Millisecond // about: it becomes what has about half of them killed before their end
	for i := range 100 {
		victim := raw
		if i%2 == 1 {
			victim = odd
		}
		cmd := exec.Command(binary, "show", pid(victim))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(takes))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
			takes += takes / 8
		} else {
			takes -= takes / 8
		}
	}
	time.Sleep(10 * time.Millisecond)
	goesOn(t, raw)
	goesOn(t, odd)
	shows(t, []string{pid(raw)}, "sys_getppid")
	if killed < 10 {
		t.Errorf("only %d of 100 were killed before their end", killed)
	}
	t.Logf("%d of 100 were killed before their end", killed)
}

// A process that ends while it is looked at is no reason to hang.
func TestShowDying(t *testing.T) {
	mayFetch(t)
	for range 10 {
		odd := newTarget(t, "odd")
		cmd := exec.Command(built(t, "stagelock"), "show", pid(odd))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(5 * time.Millisecond))
		odd.Process.Kill()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			cmd.Process.Kill()
			t.Fatal("it hangs")
		}
	}
}

func TestShowLibseccomp(t *testing.T) {
	mayFetch(t)
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skipf("a program that links libseccomp needs a C compiler: %v", err)
	}
	program := filepath.Join(t.TempDir(), "locked")
	if out, err := exec.Command(cc, "-o", program, "testdata/libseccomp/locked.c", "-lseccomp").CombinedOutput(); err != nil {
		t.Skipf("libseccomp is not there to build with: %s", out)
	}
	locked := start(t, 0, program)
	shows(t, []string{pid(locked)}, `^sys_ptrace: 0 else errno\(EACCES\)`, `^sys_socket: family != AF_INET6`, `^sys_kexec_load: 0( else kill)?`)
}

// Docker's default profile and a systemd unit, made into filters and put in force by something else: what show prints
// is, checked and compared by this same command, the policy they were made from.
func TestShowContainers(t *testing.T) {
	mayFetch(t)
	for _, tt := range []struct{ from, file string }{
		{"oci", "docker.json"}, {"oci", "containerd.json"}, {"systemd", "web.service"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("../../dialect", tt.from, "testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			file := func(name string, args ...string) string {
				out, errs, code := stagelock(t, 0, args...)
				if code != 0 {
					t.Fatalf("%v: exit code %d: %s", args, code, errs)
				}
				name = filepath.Join(dir, name)
				if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
				return name
			}
			policy := file("before.policy", "convert", "-from", tt.from, "-to", "stagelock", "-approximate", path)
			raw := file("raw", "compile", "-format", "raw", policy)
			locked := start(t, 0, built(t, "target"), "file", raw)
			shown := file("shown.policy", "show", pid(locked))
			if out, errs, code := stagelock(t, 0, "diff", policy, shown); code != 0 {
				t.Errorf("what is shown differs: exit code %d\n%s%s", code, out, errs)
			}
			if out, errs, code := stagelock(t, 0, "diff", shown, policy); code != 0 {
				t.Errorf("what is shown is stricter: exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}

func TestShowBubblewrap(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the filter is written for amd64")
	}
	mayFetch(t)
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("bubblewrap is not installed")
	}
	// A filter as flatpak hands one over: refuse getppid, kill for ptrace, allow the rest.
	var code bytes.Buffer
	for _, i := range []proc.Instruction{
		{Code: 0x20, K: 4}, {Code: 0x15, Jt: 1, K: unix.AUDIT_ARCH_X86_64}, {Code: 0x06, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: 0x20, K: 0}, {Code: 0x15, Jf: 1, K: 110}, {Code: 0x06, K: unix.SECCOMP_RET_ERRNO | 1},
		{Code: 0x15, Jf: 1, K: 101}, {Code: 0x06, K: unix.SECCOMP_RET_KILL_PROCESS}, {Code: 0x06, K: unix.SECCOMP_RET_ALLOW},
	} {
		binary.Write(&code, binary.NativeEndian, i)
	}
	file := filepath.Join(t.TempDir(), "filter")
	if err := os.WriteFile(file, code.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bwrap, "--ro-bind", "/", "/", "true").CombinedOutput(); err != nil {
		t.Skipf("bubblewrap can't work here: %s", out)
	}
	inside := "echo ready; read x # " + file // by which it is known
	script := fmt.Sprintf("exec %s --die-with-parent --ro-bind / / --dev /dev --proc /proc --seccomp 9 sh -c '%s' 9<%s", bwrap, inside, file)
	start(t, 0, "/bin/sh", "-c", script)
	// bwrap stays outside, the shell is its child.
	list, err := proc.FS{}.Survey()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Locked {
		if p.Command == "sh -c "+inside {
			shows(t, []string{strconv.Itoa(p.Pid)}, `^sys_getppid: 0`, `^sys_ptrace: 0( else kill)?$`)
			return
		}
	}
	t.Errorf("none of %+v is bubblewrap's", list.Locked)
}
