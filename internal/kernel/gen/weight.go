package main

// rank is the place of a call's weight in package kernel's weights. Each line says what makes the calls.
func rank(name string) int {
	switch name {
	case "futex", "futex_time64", // parking and waking threads
		"epoll_pwait", "epoll_wait", // the network poller, on each turn of the scheduler
		"read", "write", "recvmsg", "send", // what is read and written
		"nanosleep", "clock_nanosleep": // sysmon, every 20 µs to 10 ms
		return 5 // 1000
	case "sendto", "recvfrom", "sendmsg", "readv", "writev", "pread64", "pwrite64":
		return 4 // 300
	case "close", "epoll_ctl", "accept4", "fcntl", "fcntl64", "setsockopt", "getsockname", "openat", "fstat", "newfstatat",
		"fstatat64", "socket", "connect", "getsockopt", "getpeername", "socketcall": // for each connection or file
		return 3 // 100
	case "tgkill", "rt_sigreturn", "getpid", // preemption by signal
		"madvise", "mmap", "mmap2", "munmap", // the heap
		"sched_yield", "lseek", "_llseek", "getdents64", "statx", "sendfile", "sendfile64", "splice":
		return 2 // 30
	case "clone", "clone3", "mprotect", "rt_sigprocmask", "sigaltstack", "gettid", // a new thread
		"clock_gettime", "getrandom", // where the vDSO has no answer
		"ioctl", "sched_getaffinity", "prctl", "rt_sigaction", "pipe2", "dup3", "fsync", "fdatasync", "shutdown",
		"bind", "listen", "readlinkat", "faccessat2", "unlinkat", "renameat", "renameat2", "mkdirat":
		return 1 // 10
	}
	return 0
}
