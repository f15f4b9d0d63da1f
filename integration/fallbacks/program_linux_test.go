package fallbacks

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// libc is what programs of C call beside rest, and the runtime of Go has in its floor.
const libc = `
set libc {
	sys_rt_sigaction: 1; sys_rt_sigreturn: 1; sys_sigaltstack: 1; sys_futex: 1; sys_munmap: 1; sys_madvise: 1; sys_mremap: 1
	sys_exit: 1; sys_exit_group: 1; sys_getpid: 1; sys_gettid: 1; sys_tgkill: 1; sys_clock_gettime: 1; sys_clock_nanosleep: 1
	sys_sysinfo: 1; sys_getcwd: 1; sys_getrusage: 1; sys_fadvise64: 1
	sys_getxattr: 1; sys_lgetxattr: 1; sys_poll: 1; sys_getppid: 1; sys_connect: 1
}
`

// TestProgramsOfC runs programs of this machine from their first instruction on without what fallbacks.policy lists, and
// sees that they are refused it and go on.
func TestProgramsOfC(t *testing.T) {
	onlyAMD64(t)
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, bytes.Repeat([]byte("3\n1\n2\n"), 400_000), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		command []string
		want    string
		refused []string
	}{
		{[]string{"cat", "/proc/self/comm"}, "cat\n", []string{"rseq", "set_robust_list"}},
		{[]string{"ls", "-l", "-d", dir}, dir, []string{"rseq", "statx"}},
		{[]string{"sort", "--parallel=2", "-n", "-u", "-S", "64M", large}, "1\n2\n3\n", []string{"rseq", "clone3"}},
	} {
		t.Run(p.command[0], func(t *testing.T) {
			if _, err := exec.LookPath(p.command[0]); err != nil {
				t.Skipf("this machine has no %s", p.command[0])
			}
			r, err := launch.Report(func(int) (*policy.Table, error) { return without(t), nil }, p.command[0], p.command[1:]...)
			if err != nil {
				t.Fatal(err)
			}
			var out, complaints bytes.Buffer
			r.Cmd.Stdout, r.Cmd.Stderr = &out, &complaints
			refused := make(map[string]string)
			err = r.Run(func(x launch.Refusal) {
				c, _ := kernel.Native().CallNr(x.Nr)
				refused[c.Name] = x.By.Action.Text(kernel.Native())
			})
			<-r.Done()
			if err != nil || !strings.Contains(out.String(), p.want) {
				t.Errorf("%v\n%s%s\nrefused: %v", err, &out, &complaints, refused)
			}
			for _, name := range p.refused {
				if refused[name] != "errno ENOSYS" {
					t.Skipf("this libc makes no %s: refused were %v", name, refused)
				}
			}
		})
	}
}

// without returns a table that has rest and libc, and no floor.
func without(t *testing.T) *policy.Table {
	f, err := rule.Parse("programs", "deny errno(EDOM)\n"+rest+libc+"stage s\n\ton_next_syscall: 1\n\tuse rest, libc\n")
	if err != nil {
		t.Fatal(err)
	}
	arch := kernel.Native()
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Build{Arch: arch.Name, Cgo: true})})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := stage.New(p, stage.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return plan.Stages[0].Table
}
