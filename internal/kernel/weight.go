package kernel

// Weight says how often Go programs make the call, in thousandths of the busiest one's rate: calls that a compiler
// should decide early weigh more. It is an estimate from what busy network services do (traces of net/http servers
// under load), and never 0. Only the order of magnitude matters.
func (c Call) Weight() int {
	switch c.Name {
	case "futex", "futex_time64", // parking and waking threads
		"epoll_pwait", "epoll_wait", // the network poller, on each turn of the scheduler
		"read", "write", "recvmsg", "send", // what is read and written
		"nanosleep", "clock_nanosleep": // sysmon, every 20 µs to 10 ms
		return 1000
	case "sendto", "recvfrom", "sendmsg", "readv", "writev", "pread64", "pwrite64":
		return 300
	case "close", "epoll_ctl", "accept4", "fcntl", "fcntl64", "setsockopt", "getsockname", "openat", "fstat", "newfstatat",
		"fstatat64", "socket", "connect", "getsockopt", "getpeername", "socketcall": // for each connection or file
		return 100
	case "tgkill", "rt_sigreturn", "getpid", // preemption by signal
		"madvise", "mmap", "mmap2", "munmap", // the heap
		"sched_yield", "lseek", "_llseek", "getdents64", "statx", "sendfile", "sendfile64", "splice":
		return 30
	case "clone", "clone3", "mprotect", "rt_sigprocmask", "sigaltstack", "gettid", // a new thread
		"clock_gettime", "getrandom", // where the vDSO has no answer
		"ioctl", "sched_getaffinity", "prctl", "rt_sigaction", "pipe2", "dup3", "fsync", "fdatasync", "shutdown",
		"bind", "listen", "readlinkat", "faccessat2", "unlinkat", "renameat", "renameat2", "mkdirat":
		return 10
	}
	return 1
}

// Weight returns what Call.Weight does, and 1 for a number that the tables don't have.
func (a *Arch) Weight(nr uint32) int {
	c, _ := a.CallNr(nr)
	return c.Weight()
}
