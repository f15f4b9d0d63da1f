package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

// dangerous are calls with which an intruder gets further: to other programs, processes, users, kernels and clocks. One
// counts as open if it is allowed with any arguments, but for those in shaped.
var dangerous = []string{
	"execve", "execveat", "fork", "vfork", "clone", "clone3", // programs and processes
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "kill", "pidfd_send_signal",
	"rt_sigqueueinfo", "tkill", // other processes
	"mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "swapon", "swapoff", // file systems
	"unshare", "setns", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
	"setfsgid", "capset", // users and namespaces
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "bpf", "perf_event_open",
	"iopl", "ioperm", "modify_ldt", "syslog", "acct", "quotactl", "personality", // the kernel and the machine
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", // clocks and names
	"add_key", "request_key", "keyctl", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
	"name_to_handle_at", "open_by_handle_at", "mknod", "mknodat", "memfd_create", "memfd_secret", "remap_file_pages",
	"shmat", "vmsplice", "mmap", "mprotect", "mremap", "pkey_mprotect", // ways past what is refused
}

// shaped are calls that every Go program makes, and what would be dangerous about them.
var shaped = map[string][6]uint64{
	"clone":    {uint64(unix.SIGCHLD)}, // a process, not a thread
	"mmap":     {0, 4096, unix.PROT_READ | unix.PROT_EXEC, unix.MAP_PRIVATE | unix.MAP_ANON, ^uint64(0)},
	"mprotect": {0, 4096, unix.PROT_READ | unix.PROT_EXEC},
	"mremap":   {0, 4096, 4096, unix.MREMAP_FIXED | unix.MREMAP_MAYMOVE},
	"kill":     {1, uint64(unix.SIGKILL)}, // another process
}

// abilities are what a stage may still acquire, each with a call that does so.
var abilities = []struct {
	name, call string
	args       [6]uint64
}{
	{"open files", "openat", [6]uint64{atCwd, 0, unix.O_RDONLY}},
	{"create files", "openat", [6]uint64{atCwd, 0, unix.O_WRONLY | unix.O_CREAT}},
	{"remove files", "unlinkat", [6]uint64{atCwd}},
	{"listen", "listen", [6]uint64{}},
	{"connect", "connect", [6]uint64{}},
	{"ask by netlink", "socket", [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW}},
	{"map files", "mmap", [6]uint64{0, 4096, unix.PROT_READ, unix.MAP_PRIVATE, 9}},
}

const atCwd = 1<<64 - 100 // AT_FDCWD

// open returns the dangerous calls that a stage leaves.
func open(s *stage.Stage) (names []string) {
	for _, name := range dangerous {
		call, ok := s.Table.Arch.Call(name)
		if !ok {
			continue
		}
		if args, ok := shaped[name]; ok {
			if s.Table.Eval(call.Nr, args).Action.Allows() {
				names = append(names, name)
			}
		} else if d, ok := s.Table.Find(call.Nr); ok && slices.ContainsFunc(d.Clauses, allows) {
			names = append(names, name)
		}
	}
	return names
}

// known counts the dangerous calls that an architecture has.
func known(arch *kernel.Arch) (n int) {
	for _, name := range dangerous {
		if _, ok := arch.Call(name); ok {
			n++
		}
	}
	return n
}

// able returns what a stage may still acquire.
func able(s *stage.Stage) (names []string) {
	for _, a := range abilities {
		if call, ok := s.Table.Arch.Call(a.call); ok && s.Table.Eval(call.Nr, a.args).Action.Allows() {
			names = append(names, a.name)
		}
	}
	return names
}

// runtimeOnly counts the calls that a stage leaves to the Go runtime alone.
func runtimeOnly(s *stage.Stage) (n int) {
	for _, d := range s.Table.Calls {
		if slices.ContainsFunc(d.Clauses, allows) && !slices.ContainsFunc(d.Clauses, func(c policy.Clause) bool {
			return allows(c) && c.Origin.Kind != policy.FromFloor
		}) {
			n++
		}
	}
	return n
}

func allows(c policy.Clause) bool { return c.Action.Allows() }
