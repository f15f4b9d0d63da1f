package fallbacks

import (
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) {
	launch.Main()
	seccomptest.Main(m)
}

// A fallback is a call that is refused and what goes on without it.
type fallback struct {
	call   string // as in fallbacks.policy
	nr     uintptr
	args   [6]uintptr // with which it is refused
	errno  syscall.Errno
	more   string                                  // rules beyond rest
	what   string                                  // is done without it
	run    func(c *seccomptest.C) (f func() error) // prepares, and returns how; nil: only C calls it, and that is shown elsewhere
	broken syscall.Errno                           // an errno that it can't be done with, if there is one
}

// rest is what the functions here call beside what fallbacks.policy lists. It is a set, so that what it refuses gets the
// errno of that file.
const rest = `
set rest {
	sys_read: 1; sys_write: 1; sys_close: 1; sys_lseek: 1; sys_fstat: 1; sys_openat: 1; sys_newfstatat: 1; sys_readlinkat: 1
	sys_pread64: 1; sys_getdents64: 1; sys_unlinkat: 1; sys_fchmod: 1; sys_fchmodat: 1; sys_faccessat: 1; sys_access: 1
	sys_fcntl: cmd != F_SETPIPE_SZ
	sys_prctl: option != PR_SET_VMA
	sys_ioctl: cmd == FIONBIO
	sys_socket: family != AF_NETLINK && protocol != IPPROTO_MPTCP
	sys_connect: 1; sys_bind: 1; sys_listen: 1; sys_accept4: 1; sys_setsockopt: 1; sys_getsockopt: 1; sys_getsockname: 1
	sys_getpeername: 1; sys_shutdown: 1; sys_sendto: 1; sys_recvfrom: 1; sys_pipe2: 1; sys_dup3: 1
	sys_clone: 1; sys_execve: 1; sys_wait4: 1; sys_kill: 1; sys_prlimit64: 1; sys_rt_sigprocmask: 1
	sys_getuid: 1; sys_geteuid: 1; sys_getgid: 1; sys_getegid: 1; sys_getgroups: 1
	sys_mmap: 1; sys_mprotect: 1; sys_brk: 1; sys_arch_prctl: 1; sys_set_tid_address: 1; sys_sched_getaffinity: 1; sys_statfs: 1
}
`

// cases are those of all fallbacks: refused as fallbacks.policy has it, and in the way that breaks them.
var cases = func() map[string]*seccomptest.TestCase {
	m := make(map[string]*seccomptest.TestCase)
	for _, f := range all {
		m[f.name()] = seccomptest.Case(f.name(), func(c *seccomptest.C) {
			var op func() error
			if f.run != nil {
				op = f.run(c)
			}
			f.lock(c, "EDOM", f.more) // EDOM: an errno that nothing has a way around
			c.Refused(f.errno, f.call, f.direct)
			if op != nil {
				c.Allowed(f.what, op)
			}
		})
		if f.broken != 0 {
			m[f.name()+", broken"] = seccomptest.Case(f.name()+", broken", func(c *seccomptest.C) {
				op := f.run(c)
				f.lock(c, unix.ErrnoName(f.broken), "\tsys_"+f.call+": 0\n") // a rule's refusal gets the stage's errno
				c.Refused(f.broken, f.what, op)
			})
		}
	}
	return m
}()

func (f fallback) name() string { return f.call + ": " + f.what }

// lock locks a stage that has rest, and says more about it.
func (f fallback) lock(c *seccomptest.C, deny, more string) {
	c.Must(seccomp.Declare("fallbacks", "deny errno("+deny+")\n"+rest+"stage s\n\tuse rest\n"+more))
	c.Must(seccomp.Stage("s").Lock())
}

// direct makes the call itself.
func (f fallback) direct() error {
	_, _, errno := unix.Syscall6(f.nr, f.args[0], f.args[1], f.args[2], f.args[3], f.args[4], f.args[5])
	if errno == 0 {
		return nil
	}
	return errno
}

func TestFallbacks(t *testing.T) {
	onlyAMD64(t)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) { t.Parallel(); cases[name].Run(t) })
	}
}

// onlyAMD64 skips what rests on rest: elsewhere the same functions make other calls.
func onlyAMD64(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("what is allowed here is what std calls on amd64, and this is " + runtime.GOARCH)
	}
}

// TestEachIsShown: fallbacks.policy lists nothing that has no case here.
func TestEachIsShown(t *testing.T) {
	text, err := os.ReadFile("../../runtimeset/fallbacks.policy")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^sys_(\w+): 0 else`).FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = true
		if elsewhere[m[1]] == "" && !slices.ContainsFunc(all, func(f fallback) bool { return f.call == m[1] }) {
			t.Errorf("%s is in fallbacks.policy: show what goes on without it", m[1])
		}
	}
	for _, f := range all {
		if !listed[f.call] {
			t.Errorf("%s is not in fallbacks.policy", f.call)
		}
	}
}
