package remains

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/proc"
)

// The program says by what it leaves whether it ever ran without the filter: it writes down its state as the kernel has
// it, and tries what the policy refuses.
const program = `echo $$ >pid; while read -r k v; do case $k in Seccomp:|NoNewPrivs:) echo $k $v; esac; done </proc/self/status >state
: >started; while :; do mkdir refused 2>/dev/null && echo >broken; done`

// Killed at any moment, `run` leaves no program that is stopped, or without the filter; nor does its supervisor.
func TestRunKilled(t *testing.T) {
	stagelock := filepath.Join(t.TempDir(), "stagelock")
	if out, err := exec.Command("go", "build", "-o", stagelock, "github.com/stagelock/seccomp/cmd/stagelock").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	itself := func(pid int) int { return pid }
	supervisor := func(pid int) int {
		// By its name, since it is not the only child: Go has one for a moment, to see whether pidfds work.
		for _, child := range childrenOf(pid) {
			if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child)); err == nil && string(name) == "exe\n" {
				return child
			}
		}
		return pid // it has not come to that yet
	}
	for _, tt := range []struct {
		name   string
		report bool
		victim func(pid int) int
	}{{"run", false, itself}, {"report", true, itself}, {"supervisor", true, supervisor}} {
		t.Run(tt.name, func(t *testing.T) {
			policy := filepath.Join(t.TempDir(), "no.policy")
			if err := os.WriteFile(policy, []byte("on_next_syscall: 1\nuse all\nsys_mkdir: 0\nsys_mkdirat: 0\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{stagelock, "run", "-policy", policy}
			if tt.report {
				args = append(args, "-report")
			}
			args = append(args, "--", "sh", "-c", program)
			// How long it takes until the program runs, so that as many are killed before as after.
			takes := runKilled(t, args, tt.victim, -1)
			early, late := 0, 0
			for range max(10, *many/10) {
				if runKilled(t, args, tt.victim, rand.N(2*takes)) == 0 {
					early++
				} else {
					late++
				}
			}
			t.Logf("%d were killed before the program ran, %d later", early, late)
		})
	}
}

// runKilled runs the program and kills the victim, by stagelock's pid, after some time; below 0 is when the program has started. It returns
// how long the program took to start; 0: it never did.
func runKilled(t *testing.T, args []string, victim func(int) int, after time.Duration) (took time.Duration) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	if after < 0 {
		for !exists("started") {
			if time.Since(begin) > time.Minute {
				t.Fatal("the program does not start")
			}
			time.Sleep(100 * time.Microsecond)
		}
	} else {
		time.Sleep(after)
	}
	took = time.Since(begin)
	unix.Kill(victim(cmd.Process.Pid), unix.SIGKILL)
	cmd.Wait()
	time.Sleep(2 * time.Millisecond) // for what goes on without it
	if pid, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil {
		n, _ := strconv.Atoi(strings.TrimSpace(string(pid)))
		if threads, err := (proc.FS{}).Threads(n); err == nil && n > 0 {
			for _, s := range threads {
				if s.Run == 't' || s.Run == 'T' || s.Mode != proc.Filter && !s.Exiting() {
					t.Errorf("the program, killed after %v, is left in state %c, mode %v", took, s.Run, s.Mode)
				}
			}
		}
	} else {
		took = 0
	}
	unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	if text, err := os.ReadFile(filepath.Join(dir, "state")); err == nil && len(text) > 0 && !strings.HasPrefix("NoNewPrivs: 1\nSeccomp: 2\n", string(text)) {
		t.Errorf("the program, killed after %v, was in state %q", took, text)
	}
	if exists("refused") || exists("broken") {
		t.Errorf("the program, killed after %v, did what the policy refuses", took)
	}
	return took
}
