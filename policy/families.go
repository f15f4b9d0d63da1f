package policy

import (
	"math/bits"

	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/rule"
)

// A family is the constants that a person would use for an argument, in the order in which they are joined. Which
// ones these are no table of the kernel says: its constants share values across purposes.
type family struct {
	names []string
	flags bool   // bits that may be joined; what has no name is joined as a number
	zero  string // the name of 0, if it has one
	under string // the mask under which 0 has that name; without one, where no mask is
}

var (
	addressFamilies = family{names: []string{"AF_UNSPEC", "AF_UNIX", "AF_INET", "AF_AX25", "AF_IPX", "AF_INET6",
		"AF_NETLINK", "AF_PACKET", "AF_ALG", "AF_VSOCK", "AF_XDP"}}
	socketTypes = family{names: []string{"SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_SEQPACKET", "SOCK_NONBLOCK",
		"SOCK_CLOEXEC"}, flags: true}
	opening = family{names: []string{"O_ACCMODE", "O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL", "O_NOCTTY", "O_TRUNC",
		"O_APPEND", "O_NONBLOCK", "O_DSYNC", "O_SYNC", "O_ASYNC", "O_DIRECT", "O_DIRECTORY", "O_NOFOLLOW", "O_NOATIME",
		"O_CLOEXEC", "O_PATH", "O_TMPFILE"}, flags: true, zero: "O_RDONLY", under: "O_ACCMODE"}
	descriptors = family{names: []string{"O_NONBLOCK", "O_DIRECT", "O_CLOEXEC"}, flags: true}
	directories = family{names: []string{"AT_FDCWD"}}
	protections = family{names: []string{"PROT_READ", "PROT_WRITE", "PROT_EXEC"}, flags: true, zero: "PROT_NONE"}
	mappings    = family{names: []string{"MAP_SHARED", "MAP_PRIVATE", "MAP_FIXED", "MAP_ANONYMOUS", "MAP_32BIT",
		"MAP_GROWSDOWN", "MAP_LOCKED", "MAP_NORESERVE", "MAP_POPULATE", "MAP_NONBLOCK", "MAP_STACK", "MAP_HUGETLB",
		"MAP_SYNC", "MAP_FIXED_NOREPLACE", "MAP_DROPPABLE"}, flags: true}
	clones = family{names: []string{"CLONE_VM", "CLONE_FS", "CLONE_FILES", "CLONE_SIGHAND", "CLONE_PIDFD",
		"CLONE_PTRACE", "CLONE_VFORK", "CLONE_PARENT", "CLONE_THREAD", "CLONE_NEWNS", "CLONE_SYSVSEM", "CLONE_SETTLS",
		"CLONE_PARENT_SETTID", "CLONE_CHILD_CLEARTID", "CLONE_DETACHED", "CLONE_UNTRACED", "CLONE_CHILD_SETTID",
		"CLONE_NEWCGROUP", "CLONE_NEWUTS", "CLONE_NEWIPC", "CLONE_NEWUSER", "CLONE_NEWPID", "CLONE_NEWNET", "CLONE_IO",
		"SIGCHLD"},
		flags: true}
	advices = family{names: []string{"MADV_NORMAL", "MADV_RANDOM", "MADV_SEQUENTIAL", "MADV_WILLNEED", "MADV_DONTNEED",
		"MADV_FREE", "MADV_REMOVE", "MADV_DONTFORK", "MADV_DOFORK", "MADV_MERGEABLE", "MADV_UNMERGEABLE",
		"MADV_HUGEPAGE", "MADV_NOHUGEPAGE", "MADV_DONTDUMP", "MADV_DODUMP", "MADV_WIPEONFORK", "MADV_KEEPONFORK",
		"MADV_COLD", "MADV_PAGEOUT", "MADV_POPULATE_READ", "MADV_POPULATE_WRITE", "MADV_COLLAPSE", "MADV_HWPOISON"}}
	fcntls = family{names: []string{"F_DUPFD", "F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_GETLK", "F_SETLK",
		"F_SETLKW", "F_SETOWN", "F_GETOWN", "F_SETSIG", "F_GETSIG", "F_OFD_GETLK", "F_OFD_SETLK", "F_OFD_SETLKW",
		"F_SETLEASE", "F_GETLEASE", "F_NOTIFY", "F_DUPFD_CLOEXEC", "F_SETPIPE_SZ", "F_GETPIPE_SZ", "F_ADD_SEALS",
		"F_GET_SEALS"}}
	prctls = family{names: []string{"PR_SET_PDEATHSIG", "PR_GET_PDEATHSIG", "PR_GET_DUMPABLE", "PR_SET_DUMPABLE",
		"PR_GET_KEEPCAPS", "PR_SET_KEEPCAPS", "PR_SET_NAME", "PR_GET_NAME", "PR_GET_SECCOMP", "PR_SET_SECCOMP",
		"PR_CAPBSET_READ", "PR_CAPBSET_DROP", "PR_GET_SECUREBITS", "PR_SET_SECUREBITS", "PR_SET_TIMERSLACK",
		"PR_GET_TIMERSLACK", "PR_SET_MM", "PR_SET_PTRACER", "PR_SET_CHILD_SUBREAPER", "PR_GET_CHILD_SUBREAPER",
		"PR_SET_NO_NEW_PRIVS", "PR_GET_NO_NEW_PRIVS", "PR_SET_THP_DISABLE", "PR_GET_THP_DISABLE", "PR_CAP_AMBIENT",
		"PR_GET_SPECULATION_CTRL", "PR_SET_SPECULATION_CTRL", "PR_SET_IO_FLUSHER", "PR_SET_SYSCALL_USER_DISPATCH",
		"PR_SCHED_CORE", "PR_SET_MDWE", "PR_SET_VMA"}}
	signals = family{names: []string{"SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
		"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",
		"SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH",
		"SIGIO", "SIGPWR", "SIGSYS"}}
	terminals = family{names: []string{"TCGETS", "TCSETS", "TCSETSW", "TCSETSF", "TIOCSCTTY", "TIOCGPGRP", "TIOCSPGRP",
		"TIOCSTI", "TIOCGWINSZ", "TIOCSWINSZ", "TIOCLINUX"}}
	messages = family{names: []string{"MSG_OOB", "MSG_PEEK", "MSG_DONTROUTE", "MSG_CTRUNC", "MSG_TRUNC", "MSG_DONTWAIT",
		"MSG_WAITALL", "MSG_ERRQUEUE", "MSG_NOSIGNAL", "MSG_MORE", "MSG_FASTOPEN", "MSG_CMSG_CLOEXEC"}, flags: true}
	paths = family{names: []string{"AT_SYMLINK_NOFOLLOW", "AT_REMOVEDIR", "AT_SYMLINK_FOLLOW", "AT_NO_AUTOMOUNT",
		"AT_EMPTY_PATH"}, flags: true}
	limits = family{names: []string{"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE",
		"RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS"}}
	clocks = family{names: []string{"CLOCK_REALTIME", "CLOCK_MONOTONIC", "CLOCK_PROCESS_CPUTIME_ID",
		"CLOCK_THREAD_CPUTIME_ID", "CLOCK_MONOTONIC_RAW", "CLOCK_REALTIME_COARSE", "CLOCK_MONOTONIC_COARSE",
		"CLOCK_BOOTTIME"}}
	levels    = family{names: []string{"SOL_SOCKET", "IPPROTO_IP", "IPPROTO_TCP", "IPPROTO_UDP", "IPPROTO_IPV6"}}
	maskings  = family{names: []string{"SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"}}
	seeks     = family{names: []string{"SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"}}
	epollings = family{names: []string{"EPOLL_CTL_ADD", "EPOLL_CTL_DEL", "EPOLL_CTL_MOD"}}
	epolls    = family{names: []string{"EPOLL_CLOEXEC"}, flags: true}
	eventfds  = family{names: []string{"EFD_SEMAPHORE", "EFD_NONBLOCK", "EFD_CLOEXEC"}, flags: true}
	memfds    = family{names: []string{"MFD_CLOEXEC", "MFD_ALLOW_SEALING", "MFD_HUGETLB"}, flags: true}
	randoms   = family{names: []string{"GRND_NONBLOCK", "GRND_RANDOM"}, flags: true}
	seccomps  = family{names: []string{"SECCOMP_SET_MODE_STRICT", "SECCOMP_SET_MODE_FILTER", "SECCOMP_GET_ACTION_AVAIL",
		"SECCOMP_GET_NOTIF_SIZES"}}
)

// families says which constants an argument is written with: by the call's and the argument's name, or by the
// argument's alone; nil if none are known.
func families(call, arg string) *family {
	switch call + "." + arg {
	case "open.flags", "openat.flags":
		return &opening
	case "pipe2.flags", "dup3.flags":
		return &descriptors
	case "mmap.flags", "mmap2.flags":
		return &mappings
	case "clone.clone_flags", "unshare.unshare_flags", "setns.flags":
		return &clones
	case "madvise.behavior":
		return &advices
	case "fcntl.cmd", "fcntl64.cmd":
		return &fcntls
	case "prctl.option":
		return &prctls
	case "ioctl.cmd":
		return &terminals
	case "socket.type", "socketpair.type", "accept4.flags":
		return &socketTypes
	case "sendto.flags", "sendmsg.flags", "sendmmsg.flags", "recvfrom.flags", "recvmsg.flags", "recvmmsg.flags":
		return &messages
	case "newfstatat.flag", "fstatat64.flag", "unlinkat.flag", "linkat.flags", "fchownat.flag", "faccessat2.flags",
		"statx.flags", "execveat.flags":
		return &paths
	case "prlimit64.resource", "setrlimit.resource", "getrlimit.resource":
		return &limits
	case "setsockopt.level", "getsockopt.level":
		return &levels
	case "rt_sigprocmask.how":
		return &maskings
	case "lseek.whence":
		return &seeks
	case "epoll_ctl.op":
		return &epollings
	case "epoll_create1.flags":
		return &epolls
	case "eventfd2.flags":
		return &eventfds
	case "memfd_create.flags":
		return &memfds
	case "getrandom.flags":
		return &randoms
	case "seccomp.op":
		return &seccomps
	}
	switch arg {
	case "family":
		return &addressFamilies
	case "dfd", "olddfd", "newdfd":
		return &directories
	case "prot":
		return &protections
	case "sig":
		return &signals
	case "which_clock", "clockid":
		return &clocks
	}
	return nil
}

// value puts the value of an argument into words.
func (e *expressor) value(arg uint8, v number) rule.Value {
	a := e.argument(arg)
	if f := families(e.call, a.name); f != nil {
		if v == 0 && f.zero != "" && f.is(e, f.zero, a, 0) {
			return &rule.Ident{Name: f.zero}
		}
		if x := f.words(e, a, v); x != nil {
			return x
		}
		if f.flags && v <= a.maxSigned() {
			return literal(v)
		}
	}
	return signed(a, v)
}

// pattern puts bits of an argument into words: a mask, or a value under the mask.
func (e *expressor) pattern(arg uint8, v, mask number) rule.Value {
	a := e.argument(arg)
	if f := families(e.call, a.name); f != nil {
		if v == 0 && f.under != "" {
			if under, ok := e.arch.Const(f.under); ok && number(under)&^mask == 0 && f.is(e, f.zero, a, 0) {
				return &rule.Ident{Name: f.zero}
			}
		}
		if n := bits.OnesCount64(v); n > int(a.typ.Bits)/2 {
			if x := f.words(e, a, ^v&a.top()); x != nil && v != a.top() {
				return &rule.Complement{X: x}
			}
		} else if x := f.words(e, a, v); x != nil && v != 0 {
			return x
		}
	}
	return literal(v)
}

// is tells whether name is v on the architecture.
func (f *family) is(e *expressor, name string, a argument, v number) bool {
	x, ok := e.arch.Const(name)
	return ok && number(x)&a.top() == v
}

// words returns the constant or the joined ones that are v, nil if there are none.
func (f *family) words(e *expressor, a argument, v number) rule.Value {
	for _, name := range f.names {
		if f.is(e, name, a, v) {
			return &rule.Ident{Name: name}
		}
	}
	if !f.flags || v == 0 {
		return nil
	}
	type flag struct {
		at   int // in names
		bits number
	}
	var known []flag
	for i, name := range f.names {
		if x, ok := e.arch.Const(name); ok && x > 0 && number(x)&^v == 0 {
			known = append(known, flag{i, number(x)})
		}
	}
	order.Stable(known, func(i, j int) bool { return bits.OnesCount64(known[i].bits) > bits.OnesCount64(known[j].bits) })
	rest := v
	var chosen []int
	for _, k := range known {
		if k.bits&^rest == 0 {
			chosen = append(chosen, k.at)
			rest &^= k.bits
		}
	}
	if bits.OnesCount64(rest) >= bits.OnesCount64(v&^rest) { // the names would say less than they hide
		return nil
	}
	order.Stable(chosen, func(i, j int) bool { return chosen[i] < chosen[j] })
	join := &rule.Join{}
	for _, i := range chosen {
		join.X = append(join.X, &rule.Ident{Name: f.names[i]})
	}
	if rest != 0 {
		join.X = append(join.X, literal(rest))
	}
	return join
}

// signed writes a value in the sign of its argument.
func signed(a argument, v number) *rule.Number {
	if a.typ.Signed && v > a.maxSigned() {
		return &rule.Number{Neg: true, Abs: -v & a.top()}
	}
	return &rule.Number{Abs: v}
}

// literal writes bits: small ones in decimal, others in hexadecimal.
func literal(v number) *rule.Number {
	if v < 10 {
		return &rule.Number{Abs: v}
	}
	return rule.Hex(v)
}
