package main

// narrowed has the arguments that a prototype says are as wide as a register, and of which the kernel nevertheless
// looks at fewer bits, by "entry name". With a width that is too small, a rule would take for the same what the kernel
// tells apart; with one too large, high bits that the kernel ignores would slip past a refusal. So each entry names
// where the kernel (Linux 6.12) drops the bits, narrow_linux_test.go tries them on the running one, and everything in
// doubt stays as the prototype has it.
//
// Not here, because high bits make the call fail: the flags of mremap, unshare, get_mempolicy, mseal, pkey_alloc,
// perf_event_open and process_vm_readv, and prot of mprotect and pkey_mprotect (mm/mprotect.c, do_mprotect_pkey:
// arch_validate_prot), and mount's flags (fs/namespace.c, path_mount: MS_NOUSER is the int 1<<31, so that flags &
// MS_NOUSER is true of every high bit). Nor what only some commands narrow: fcntl's arg (fs/fcntl.c, do_fcntl: argi), keyctl's and
// prctl's arg2 and on.
var narrowed = map[string]ctype{
	// kernel/fork.c, SYSCALL_DEFINE5(clone): lower_32_bits(clone_flags).
	"clone clone_flags": {'u', 32},

	// mm/mmap.c, ksys_mmap_pgoff: fget(unsigned int fd). It is an int in mmap(2), and -1 where there is no file.
	//
	// prot and flags are tested bit by bit, and no bit from 32 on has a meaning (mm/mmap.c, do_mmap; MAP_HUGE_SHIFT
	// and its six bits end at 31). What high bits do at most is to refuse the call: with MAP_SHARED_VALIDATE
	// (flags_mask in do_mmap), and in prot on powerpc (arch/powerpc/kernel/syscalls.c, do_mmap2).
	"mmap prot":       {'u', 32},
	"mmap flags":      {'u', 32},
	"mmap fd":         {'s', 32},
	"mips_mmap prot":  {'u', 32},
	"mips_mmap flags": {'u', 32},
	"mips_mmap fd":    {'s', 32},
	"mmap_pgoff fd":   {'s', 32},
	"mmap2 fd":        {'s', 32},
	"mips_mmap2 fd":   {'s', 32},

	// fs/read_write.c, do_readv, do_writev, do_preadv, do_pwritev: fdget and fdget_pos take an unsigned int.
	// lib/iov_iter.c, import_iovec: unsigned nr_segs.
	"readv fd":      {'u', 32},
	"readv vlen":    {'u', 32},
	"writev fd":     {'u', 32},
	"writev vlen":   {'u', 32},
	"preadv fd":     {'u', 32},
	"preadv vlen":   {'u', 32},
	"pwritev fd":    {'u', 32},
	"pwritev vlen":  {'u', 32},
	"preadv2 fd":    {'u', 32},
	"preadv2 vlen":  {'u', 32},
	"pwritev2 fd":   {'u', 32},
	"pwritev2 vlen": {'u', 32},

	// fs/splice.c, vmsplice; mm/process_vm_access.c, process_vm_rw (not riovcnt, which iovec_from_user takes whole);
	// mm/madvise.c, process_madvise: import_iovec again.
	"vmsplice nr_segs":          {'u', 32},
	"process_vm_readv liovcnt":  {'u', 32},
	"process_vm_writev liovcnt": {'u', 32},
	"process_madvise vlen":      {'u', 32},

	// mm/mempolicy.c, kernel_mbind: int lmode = mode.
	"mbind mode": {'s', 32},

	// kernel/ptrace.c: find_get_task_by_vpid takes a pid_t. The request is looked at whole.
	"ptrace pid": {'s', 32},

	// kernel/kcmp.c, get_file_raw_ptr: unsigned int idx, whatever the type; idx2 may be a pointer.
	"kcmp idx1": {'u', 32},
}
