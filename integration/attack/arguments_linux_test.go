package attack

import (
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/integration/oracle"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// Values that slip past a comparison that looks at other bits than the kernel does.
var arguments = []attack{
	refused("high bits beside a refused value", func(s *scene) {
		if !wide() {
			s.Skipf("a register has 32 bits")
		}
		parent := uint64(os.Getppid())
		s.lock()
		for _, high := range []uint64{1 << 32, 1 << 63, 1<<64 - 1<<32} {
			s.call(syscall.EPERM, "socket", unix.AF_UNIX|high, unix.SOCK_STREAM)
			s.call(syscall.EPERM, "socket", unix.AF_INET, unix.SOCK_DGRAM|high) // TCP alone
			s.call(syscall.EPERM, "socket", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP|high)
			s.call(syscall.EPERM, "ioctl", 0, unix.TIOCSTI|high)
			s.call(syscall.EPERM, "fcntl", 1<<64-1, unix.F_SETOWN|high)
			s.call(syscall.EPERM, "setsockopt", 1<<64-1, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER|high)
			s.call(syscall.EPERM, "pipe2", 0, unix.O_DIRECT|high)
			s.call(syscall.EPERM, "madvise", 0, 0, unix.MADV_HWPOISON|high)
			s.call(syscall.EPERM, "prctl", unix.PR_SET_MM|high)
			s.call(syscall.EPERM, "seccomp", unix.SECCOMP_SET_MODE_STRICT|high)
			s.call(syscall.EPERM, "clone", unix.CLONE_VM|unix.CLONE_VFORK|high)
			s.call(syscall.EPERM, "kill", parent, uint64(unix.SIGQUIT)|high)
			s.call(syscall.EPERM, "tgkill", parent, parent, uint64(unix.SIGURG)|high)
			if runtime.GOARCH != "s390x" { // whose mmap takes a pointer
				s.call(syscall.EPERM, "mmap", 0, 4096, unix.PROT_READ|unix.PROT_EXEC|high, unix.MAP_PRIVATE|unix.MAP_ANON)
				s.call(syscall.EPERM, "mmap", 0, 4096, unix.PROT_READ, unix.MAP_SHARED|high)
			}
		}
	}),
	refused("negative numbers", func(s *scene) {
		s.lock()
		minus := func(n uint64) uint64 { return -n }
		s.call(syscall.EPERM, "kill", minus(1), uint64(unix.SIGQUIT))
		s.call(syscall.EPERM, "kill", minus(1)&(1<<32-1), uint64(unix.SIGQUIT))
		s.call(syscall.EPERM, "kill", 0, uint64(unix.SIGQUIT))
		s.call(syscall.EPERM, "kill", minus(uint64(os.Getpid())), uint64(unix.SIGQUIT))
		s.call(syscall.EPERM, "tgkill", minus(1), minus(1), uint64(unix.SIGTERM))
		s.call(syscall.EPERM, "socket", minus(1), minus(1), minus(1))
		s.call(syscall.EPERM, "fcntl", minus(1), minus(1))
		s.call(syscall.EPERM, "setsockopt", minus(1), minus(1), minus(1))
		s.call(syscall.EPERM, "madvise", 0, 0, minus(1))
	}),
	// More than what was thought of: each call that there is, with edge values of all words and of all that the policy
	// compares, high bits beside them, is really made where the policy refuses it, and must get the errno that it says.
	refused("everything that is refused", everything),
}

func everything(s *scene) {
	var session lock.Session // to learn what the library will learn
	rt, err := session.Prepare()
	s.Must(err)
	text, err := os.ReadFile(policyFile)
	s.Must(err)
	f, err := rule.Parse(policyFile, string(text))
	s.Must(err)
	checked, err := policy.Check(f, policy.Target{Arch: native, Sets: runtimeset.For(runtimeset.Running())})
	s.Must(err)
	plan, err := stage.New(checked, stage.Env{"self.pid": uint64(rt.Pid), "runtime.epollfd": uint64(rt.EpollFD),
		"runtime.eventfd": uint64(rt.EventFD)})
	s.Must(err)
	at, _ := plan.Index(s.stage)
	table := plan.Stages[at].Table
	s.lock()

	random := rand.New(rand.NewPCG(1, 2))
	made := 0
	try := func(nr uint32, args [6]uint64) {
		action := table.Eval(nr, args).Action
		if action.Kind != policy.Errno || exempt(nr) {
			return
		}
		if err := raw(uint64(nr), args[:]...); err != syscall.Errno(action.Errno) {
			// What got through may have done anything: nothing more of it.
			s.Fatalf("call %d with %#x: %v, want errno %d", nr, args, err, action.Errno)
		}
		made++
	}
	for _, nr := range numbers() {
		var clauses []policy.Clause
		if d, known := table.Find(nr); known {
			clauses = d.Clauses
		}
		for _, args := range oracle.Edges(clauses, random) {
			try(nr, args)
		}
	}
	s.Logf("%d calls were made and refused", made)
	if made < 1000 {
		s.Errorf("only %d calls were refused", made)
	}
	s.call(syscall.EPERM, "getppid")
}

// numbers are those of all calls, of the gaps between them, and some that follow. arm has a few calls of its own far
// above the others: what lies between has no end.
func numbers() (list []uint32) {
	next := uint32(0)
	for _, c := range native.Calls() {
		if c.Nr > next+1000 {
			break
		}
		for ; next <= c.Nr; next++ {
			list = append(list, next)
		}
	}
	for range 100 {
		list = append(list, next)
		next++
	}
	for _, c := range native.Calls() {
		if c.Nr >= next {
			list = append(list, c.Nr)
		}
	}
	return list
}

// exempt tells whether the kernel asks no filter about a call: see rings.
func exempt(nr uint32) bool { return runtime.GOARCH == "amd64" && (nr == 335 || nr == 336) }
