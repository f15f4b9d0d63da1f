package lint

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// risky are calls that undo what the rest of a policy is for, and why.
var risky = [...]struct{ call, why string }{
	{"ptrace", "whoever may trace a process acts through it"},
	{"process_vm_writev", "it writes into other processes"},
	{"process_vm_readv", "it reads other processes' secrets"},
	{"pidfd_getfd", "it takes open files from other processes"},
	{"kcmp", "it tells what other processes have open"},
	{"bpf", "it loads programs into the kernel"},
	{"perf_event_open", "it has been the way into the kernel again and again"},
	{"userfaultfd", "it is what makes races in the kernel easy to win"},
	{"io_uring_setup", "what is done through a ring never passes a filter"},
	{"io_uring_enter", "what is done through a ring never passes a filter"},
	{"mount", "it changes what paths mean"},
	{"move_mount", "it changes what paths mean"},
	{"open_tree", "it changes what paths mean"},
	{"fsmount", "it changes what paths mean"},
	{"pivot_root", "it changes what paths mean"},
	{"chroot", "it changes what paths mean"},
	{"unshare", "a new user namespace gives all capabilities in it, and with them more of the kernel"},
	{"setns", "it enters other namespaces"},
	{"init_module", "it loads code into the kernel"},
	{"finit_module", "it loads code into the kernel"},
	{"delete_module", "it takes code out of the kernel"},
	{"kexec_load", "it replaces the kernel"},
	{"kexec_file_load", "it replaces the kernel"},
	{"reboot", "it ends everything"},
	{"personality", "READ_IMPLIES_EXEC makes every readable mapping executable"},
	{"pkey_mprotect", "it makes memory executable past a rule on mprotect"},
	{"shmat", "SHM_EXEC maps executable memory past a rule on mmap"},
	{"execveat", "with AT_EMPTY_PATH it runs what no path names"},
	{"open_by_handle_at", "it opens files past directories that should stop it"},
	{"seccomp", "it can take the listener of a filter, and fill the budget of filters"},
	{"keyctl", "the kernel's keys are not per container"},
	{"add_key", "the kernel's keys are not per container"},
	{"request_key", "the kernel's keys are not per container, and it starts a helper of the kernel"},
	{"iopl", "it reaches the hardware"},
	{"ioperm", "it reaches the hardware"},
}

// grant warns of a rule or an own set that allows a call which undoes the rest.
func (l *linter) grant(r *policy.Rule) {
	name, allow, o := r.Name, r.Allow, r.Origin
	if n := len(r.Else); n > 0 && r.Else[n-1].If == policy.Const(true) && r.Else[n-1].Action.Allows() {
		allow, o = policy.Const(true), r.Else[n-1].Origin // logged, and made
	}
	if allow == policy.Const(false) {
		return
	}
	for _, r := range risky {
		if r.call == name && allow == policy.Const(true) {
			l.warn(o, "sys_%s is a risky grant: %s", name, r.why)
		}
	}
	if name == "ioctl" {
		if l.decider.And(l.decider.Cond(allow), l.tiocsti()) != bdd.False {
			l.warn(o, "sys_ioctl with TIOCSTI is a risky grant: it types into the terminal that started the program; name "+
				"the commands that are needed")
		}
	}
}

// tiocsti returns where ioctl's command is TIOCSTI: its low 32 bits are what the kernel reads.
func (l *linter) tiocsti() bdd.Node {
	v, _ := l.arch.Const("TIOCSTI")
	return l.decider.Cond(policy.Range{Arg: 1, Bits: 32, Lo: uint64(v), Hi: uint64(v)})
}

// ownSets looks at the sets that the policy declares itself.
func (l *linter) ownSets() {
	for _, s := range l.stage.Sets {
		if s.Builtin {
			continue
		}
		for i := range s.Rules {
			r := &s.Rules[i]
			l.arguments(r)
			l.grant(r)
		}
	}
}

// companions are calls of which one is useless without any of the others.
var companions = [...]struct {
	call   string
	others []string
}{
	{"socket", []string{"connect", "bind", "sendto", "sendmsg", "ioctl"}},
	{"listen", []string{"accept", "accept4"}},
	{"bind", []string{"listen", "recvfrom", "recvmsg", "read", "connect"}},
	{"connect", []string{"read", "write", "recvfrom", "recvmsg", "sendto", "sendmsg"}},
	{"accept4", []string{"read", "write", "recvfrom", "recvmsg", "sendto", "sendmsg"}},
	{"openat", []string{"read", "pread64", "readv", "mmap", "getdents64", "write", "fstat", "close"}},
	{"inotify_add_watch", []string{"read"}},
	{"timerfd_settime", []string{"read"}},
	{"execve", []string{"mmap", "mmap2", "brk"}}, // what a program begins with: the floor's will do
}

// companions warns of a rule's allowance that a refused companion makes useless, and of a rule that refuses the last one.
func (l *linter) companions() {
	for i := range l.said.Rules {
		r := &l.said.Rules[i]
		refuses := r.Allow == policy.Const(false)
		for _, c := range companions {
			useful := l.granted
			if c.call == "execve" {
				useful = l.permitted
			}
			switch {
			case refuses && !slices.Contains(c.others, r.Name), !refuses && c.call != r.Name, slices.ContainsFunc(c.others, useful):
			case !refuses:
				l.warn(r.Origin, "sys_%s is of no use here: stage %s allows none of %s", r.Name, l.said.Name,
					strings.Join(c.others, ", "))
			case l.granted(c.call) && !slices.ContainsFunc(l.said.Rules, func(r policy.Rule) bool { return r.Name == c.call }):
				l.warn(r.Origin, "this makes sys_%s useless, which stage %s still allows: none of %s is left", c.call,
					l.said.Name, strings.Join(c.others, ", "))
			}
		}
	}
}

// ways are calls that open files.
var ways = [...]string{"open", "openat", "openat2", "creat", "open_by_handle_at"}

// openings warns where one way of opening files is limited, by a rule or by the sets, and another one is free.
func (l *linter) openings() {
	for i := range l.said.Rules {
		r := &l.said.Rules[i]
		if !slices.Contains(ways[:], r.Name) {
			continue
		}
		free := l.decider.Cond(r.Allow) == bdd.True
		for _, other := range ways {
			n, ok := l.allowed(l.stage, other)
			switch {
			case other == r.Name, !ok:
			case !free && n == bdd.True && (r.Name == "open" || r.Name == "openat"):
				l.warn(r.Origin, "this limits sys_%s, while sys_%s is free and opens files too", r.Name, other)
			case free && n != bdd.True && n != bdd.False && !l.ruled(other):
				l.warn(r.Origin, "this frees sys_%s, while sys_%s, which opens files too, is limited by the sets in force", r.Name, other)
			}
		}
	}
}

// children warns, once, that programs the process starts are under the stage too.
func (l *linter) children() {
	provided := slices.ContainsFunc(l.stage.Sets, func(s *policy.Set) bool {
		return s.Name == policy.AllSet || s.Name == "exec.static" || s.Name == "exec.dynamic"
	})
	if l.stage.Children && !l.plan.Policy.Deferred && !provided {
		l.warn(l.here(), "stage %s lets the process start programs, and they inherit it: add exec.static or exec.dynamic, "+
			"and what they need themselves", l.said.Name)
	}
}
