package remains

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/seccomptest"
	"github.com/stagelock/seccomp/stage"
)

var many = flag.Int("many", 100, "how often each thing is done")

func TestMain(m *testing.M) {
	launch.Main()
	seccomptest.Main(m)
}

// possessions are what a process may leave behind without noticing.
type possessions struct {
	descriptors, threads, children int
}

func (p possessions) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, %d children", p.descriptors, p.threads, p.children)
}

// count counts what this process has.
func count() (possessions, error) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return possessions{}, err
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return possessions{}, err
	}
	return possessions{len(fds), len(tasks), len(childrenOf(os.Getpid()))}, nil
}

// childrenOf returns the children of a process, zombies among them.
func childrenOf(pid int) (children []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// "pid (comm) state ppid …" (proc(5))
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			children = append(children, child)
		}
	}
	return children
}

// fewThreads is how many threads the runtime may have more than before: it starts some for work that comes in bursts,
// and keeps them, up to one for each processor that it uses and those that are in calls. So it uses few.
const (
	fewThreads    = 8
	fewProcessors = 2
)

// remains demands that work, done many times, leaves nothing behind.
func remains(t *testing.T, times int, work func(i int) error) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(fewProcessors))
	for i := range 5 { // what is made once and kept
		if err := work(i); err != nil {
			t.Fatal(err)
		}
	}
	before, err := count()
	if err != nil {
		t.Skip("/proc can't be read: ", err)
	}
	for i := range times {
		if err := work(i); err != nil {
			t.Fatalf("the %dth time: %v", i+1, err)
		}
	}
	var after possessions
	// What was closed by the other side may take a moment, on a busy machine a long one.
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if after, err = count(); err != nil {
			t.Fatal(err)
		}
		if after.descriptors <= before.descriptors && after.threads <= before.threads+fewThreads && after.children <= before.children {
			t.Logf("%d times: %v, before %v", times, after, before)
			return
		}
	}
	t.Errorf("after %d times there are %v, before there were %v", times, after, before)
}

// Each child goes through as many stages as there can be. What a stage needs of descriptors it has from the first, and the
// last gives back. Each stage gives up one of these calls, of which every architecture has all.
var given = strings.Fields(`getpgid getsid umask sysinfo getrusage times getpriority setpriority sync acct swapon swapoff reboot
	sethostname setdomainname init_module delete_module quotactl personality syslog capget capset settimeofday adjtimex
	clock_settime clock_adjtime mount umount2 pivot_root chroot ptrace setuid setgid setreuid setregid setresuid setresgid
	setgroups setfsuid setfsgid unshare setns keyctl add_key request_key bpf userfaultfd perf_event_open kexec_load
	process_vm_readv process_vm_writev kcmp finit_module mlockall munlockall vhangup fanotify_init fanotify_mark
	name_to_handle_at open_by_handle_at lookup_dcookie io_setup io_destroy`)[:policy.MaxStages-1]

// manyStages is a policy of so many.
func manyStages() string {
	var b strings.Builder
	b.WriteString("stage s0\n    use all\n")
	for i, name := range given {
		fmt.Fprintf(&b, "stage s%d\n    sys_%s: 0\n", i+1, name)
	}
	return b.String()
}

var stages = seccomptest.Case("many stages", func(c *seccomptest.C) {
	runtime.GOMAXPROCS(fewProcessors)
	seccomp.MustDeclare("many.policy", manyStages())
	c.Must(seccomp.Stage("s0").Lock())
	before, err := count()
	c.Must(err)
	for i := range given {
		c.Must(seccomp.Stage("s" + strconv.Itoa(i+1)).Lock())
	}
	after, err := count()
	c.Must(err)
	if after.descriptors > before.descriptors || after.threads > before.threads+fewThreads {
		c.Errorf("after %d stages there are %v, before there were %v", len(given), after, before)
	}
})

func TestLocks(t *testing.T) {
	for range max(1, *many/len(given)) {
		stages.Run(t)
	}
}

func tableOf(t *testing.T, text string) *policy.Table {
	t.Helper()
	f, err := rule.Parse("test.policy", text)
	if err != nil {
		t.Fatal(err)
	}
	arch := kernel.Native()
	if arch == nil {
		t.Skip("the system calls of " + runtime.GOARCH + " are unknown")
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Running())})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := stage.New(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Stages[len(plan.Stages)-1].Table
}

func compiled(t *testing.T, text string) *launch.Filters {
	t.Helper()
	filters, err := launch.Compile(tableOf(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return filters
}

const noExec = "on_next_syscall: 1\nuse all\nsys_execve: 0\nsys_execveat: 0\n"

func TestLaunches(t *testing.T) {
	filters := compiled(t, noExec)
	remains(t, *many, func(int) error {
		out, err := filters.Command("true").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

func TestReports(t *testing.T) {
	table := tableOf(t, "on_next_syscall: 1\nuse all\nsys_umask: 0\n")
	remains(t, *many, func(int) error {
		// Somebody is left behind for a moment.
		r, err := launch.Report(func(int) (*policy.Table, error) { return table, nil }, "sh", "-c", "sleep 0.01 & umask 22")
		if err != nil {
			return err
		}
		told := 0
		err = r.Run(func(launch.Refusal) { told++ })
		if <-r.Done(); told == 0 {
			return fmt.Errorf("nothing was told; the program: %v", err)
		}
		return nil
	})
}

func TestFailedLaunches(t *testing.T) {
	filters := compiled(t, noExec)
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("no first line\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	remains(t, *many/5, func(int) error {
		cmd := filters.Command(script)
		if err := cmd.Run(); err == nil || cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != launch.ExitNotRunnable {
			return fmt.Errorf("it ended with %v", err)
		}
		return nil
	})
}

func TestHelped(t *testing.T) {
	helper := launch.NewHelper()
	echo := helper.Allow(nil, "echo")
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	defer helper.Close()
	remains(t, *many, func(i int) error {
		out, err := echo.Command(strconv.Itoa(i)).Output()
		if string(out) != strconv.Itoa(i)+"\n" {
			return fmt.Errorf("%q, %w", out, err)
		}
		return err
	})
}

func TestHelpers(t *testing.T) {
	remains(t, *many/5, func(int) error {
		helper := launch.NewHelper()
		sleep := helper.Allow(nil, "sleep")
		if err := helper.Start(); err != nil {
			return err
		}
		if err := sleep.Command("60").Start(); err != nil {
			return err
		}
		return helper.Close()
	})
}

// waiting is a process that has a filter and waits.
func waiting(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := compiled(t, "on_next_syscall: 1\nuse all\nsys_umask: 0\n").Command("sh", "-c", "echo ready; read x; exit 3")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close() // the end of its input: it goes on, and was not stopped
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("the process that was looked at ended with %v", err)
		}
	})
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestShows(t *testing.T) {
	cmd := waiting(t)
	if _, err := proc.Filters(cmd.Process.Pid); errors.Is(err, proc.ErrPrivilege) {
		t.Skip("PTRACE_SECCOMP_GET_FILTER: ", err)
	}
	remains(t, *many, func(int) error {
		stacks, err := proc.Filters(cmd.Process.Pid)
		if err == nil && (len(stacks) != 1 || len(stacks[0].Filters) == 0) {
			err = fmt.Errorf("it has %+v", stacks)
		}
		return err
	})
	threads, err := proc.FS{}.Threads(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range threads {
		if s.Run == 't' || s.Run == 'T' {
			t.Errorf("thread %d is in state %c", s.Tid, s.Run)
		}
	}
}

func TestSurveys(t *testing.T) {
	remains(t, *many/5, func(int) error {
		_, err := proc.FS{}.Survey()
		return err
	})
}
