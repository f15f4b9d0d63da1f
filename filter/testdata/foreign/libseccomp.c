// Builds filters with libseccomp (2.5.4) and writes the one named to stdout as an array of struct sock_filter:
//
//	cc -o libseccomp libseccomp.c -lseccomp
//	./libseccomp docker > docker.bpf
//
// A second argument has libseccomp lay it out as a tree (SCMP_FLTATR_CTL_OPTIMIZE).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

// The calls that the default profile of containers allows whatever their arguments.
static const char docker_calls[] =
	"accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 " 
	"clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 " 
	"clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 " 
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old " 
	"eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate " 
	"fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync " 
	"fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync " 
	"ftruncate ftruncate64 futex futex_time64 futex_waitv futimesat getcpu getcwd getdents getdents64 getegid " 
	"getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp " 
	"getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit " 
	"get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid " 
	"getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl " 
	"io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc " 
	"kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link " 
	"linkat listen listxattr llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise membarrier " 
	"memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect " 
	"mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 " 
	"mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep " 
	"newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc " 
	"pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease " 
	"pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv " 
	"recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat renameat2 " 
	"restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn " 
	"rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr " 
	"sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval " 
	"sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler " 
	"sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 " 
	"sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 " 
	"setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid " 
	"setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 " 
	"setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn " 
	"socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range " 
	"syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 " 
	"timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime " 
	"timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat " 
	"utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev process_vm_readv " 
	"process_vm_writev ptrace arch_prctl modify_ldt ";

// What systemd's @system-service holds.
static const char system_service[] =
	"access arch_prctl accept accept4 bind brk cachestat capget capset chdir chmod chown clock_getres " 
	"clock_gettime clock_nanosleep clone clone3 close close_range connect copy_file_range creat dup dup2 dup3 " 
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old " 
	"eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod " 
	"fchmodat fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat " 
	"fstatfs fsync ftruncate futex futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd " 
	"getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid " 
	"getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt " 
	"gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch " 
	"io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kcmp kill " 
	"landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen " 
	"listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise mbind membarrier memfd_create " 
	"migrate_pages mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap move_pages mprotect mq_getsetattr " 
	"mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync " 
	"munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause personality " 
	"pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 " 
	"preadv preadv2 prlimit64 process_madvise process_mrelease process_vm_readv process_vm_writev pselect6 " 
	"pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg " 
	"remap_file_pages removexattr rename renameat renameat2 restart_syscall riscv_flush_icache rmdir rseq " 
	"rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait " 
	"rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr " 
	"sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam " 
	"sched_setscheduler sched_yield select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto " 
	"set_mempolicy set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups " 
	"setitimer setns setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt " 
	"setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socket socketpair " 
	"splice stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time " 
	"timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime " 
	"timerfd_settime times tkill truncate umask uname unlink unlinkat unshare userfaultfd utime utimensat " 
	"utimes vfork vmsplice wait4 waitid write writev ";

static scmp_filter_ctx c;

static void die(const char *what, int r)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(1);
}

static void add(uint32_t action, const char *names)
{
	char *list = strdup(names);
	for (char *name = strtok(list, " "); name; name = strtok(NULL, " ")) {
		int nr = seccomp_syscall_resolve_name(name);
		if (nr == __NR_SCMP_ERROR)
			continue; // newer than this libseccomp: so it is skipped by its users too
		int r = seccomp_rule_add(c, action, nr, 0);
		if (r)
			die(name, r);
	}
	free(list);
}

static void rule(uint32_t action, const char *name, struct scmp_arg_cmp cmp)
{
	int r = seccomp_rule_add(c, action, seccomp_syscall_resolve_name(name), 1, cmp);
	if (r)
		die(name, r);
}

static void docker(void)
{
	static const uint64_t personalities[] = {0, 8, 0x20000, 0x20008, 0xffffffff};

	c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	seccomp_arch_add(c, SCMP_ARCH_X86);
	seccomp_arch_add(c, SCMP_ARCH_X32);
	add(SCMP_ACT_ALLOW, docker_calls);
	for (int i = 0; i < 5; i++)
		rule(SCMP_ACT_ALLOW, "personality", SCMP_A0(SCMP_CMP_EQ, personalities[i]));
	rule(SCMP_ACT_ALLOW, "socket", SCMP_A0(SCMP_CMP_NE, AF_VSOCK));
	rule(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, 0x7e020000, 0));
	add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
}

// SystemCallFilter=@system-service
static void systemd(void)
{
	c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	add(SCMP_ACT_ALLOW, system_service);
}

// SystemCallFilter=~@mount @module, RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6, MemoryDenyWriteExecute=yes
static void systemd_deny(void)
{
	c = seccomp_init(SCMP_ACT_ALLOW);
	seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	add(SCMP_ACT_ERRNO(EPERM), "mount umount2 pivot_root chroot fsconfig fsmount fsopen fspick mount_setattr "
		"move_mount open_tree finit_module init_module delete_module");
	rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_LT, AF_UNIX));
	rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_GT, AF_INET6));
	for (int i = AF_UNIX; i <= AF_INET6; i++)
		if (i != AF_UNIX && i != AF_INET && i != AF_INET6)
			rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_EQ, i));
	rule(SCMP_ACT_ERRNO(EPERM), "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, 6, 6));
	rule(SCMP_ACT_ERRNO(EPERM), "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 4));
	rule(SCMP_ACT_ERRNO(EPERM), "pkey_mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 4));
	rule(SCMP_ACT_ERRNO(EPERM), "shmat", SCMP_A2(SCMP_CMP_MASKED_EQ, 0100000, 0100000));
}

// What flatpak sets, before and after CVE-2019-10063.
static void flatpak(int fixed)
{
	static const int families[] = {AF_AX25, AF_IPX, AF_APPLETALK, AF_X25};

	c = seccomp_init(SCMP_ACT_ALLOW);
	seccomp_arch_add(c, SCMP_ARCH_X86);
	add(SCMP_ACT_ERRNO(EPERM), "syslog uselib acct modify_ldt quotactl add_key keyctl request_key move_pages mbind "
		"get_mempolicy set_mempolicy migrate_pages unshare setns mount umount umount2 pivot_root chroot "
		"perf_event_open ptrace");
	add(SCMP_ACT_ERRNO(ENOSYS), "clone3 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr");
	rule(SCMP_ACT_ERRNO(EPERM), "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	if (fixed)
		rule(SCMP_ACT_ERRNO(EPERM), "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI));
	else
		rule(SCMP_ACT_ERRNO(EPERM), "ioctl", SCMP_A1(SCMP_CMP_EQ, TIOCSTI));
	rule(SCMP_ACT_ERRNO(EPERM), "personality", SCMP_A0(SCMP_CMP_NE, 0));
	for (int i = 0; i < 4; i++)
		rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_EQ, families[i]));
	rule(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_GE, AF_NETLINK + 1));
}

// What the comparisons become in both words, and every action.
static void ranges(void)
{
	c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	add(SCMP_ACT_ALLOW, "exit exit_group rt_sigreturn");
	rule(SCMP_ACT_ALLOW, "read", SCMP_A2(SCMP_CMP_LE, 0x100000000));
	seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(write), 2, SCMP_A0(SCMP_CMP_LE, 2), SCMP_A2(SCMP_CMP_LT, 4096));
	rule(SCMP_ACT_LOG, "lseek", SCMP_A1(SCMP_CMP_GT, 0x123456789abc));
	rule(SCMP_ACT_TRAP, "close", SCMP_A0(SCMP_CMP_NE, 3));
	add(SCMP_ACT_NOTIFY, "mount");
	rule(SCMP_ACT_TRACE(7), "openat", SCMP_A0(SCMP_CMP_EQ, (uint32_t)AT_FDCWD));
	rule(SCMP_ACT_KILL, "dup", SCMP_A0(SCMP_CMP_EQ, 5));
	add(SCMP_ACT_ERRNO(0), "sync");
	rule(SCMP_ACT_ALLOW, "futex", SCMP_A0(SCMP_CMP_GE, 0x7f0000000000));
}

static void s390x(void)
{
	c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	seccomp_arch_remove(c, SCMP_ARCH_NATIVE);
	seccomp_arch_add(c, SCMP_ARCH_S390X);
	add(SCMP_ACT_ALLOW, "read write exit exit_group futex mmap");
	rule(SCMP_ACT_ALLOW, "socket", SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	rule(SCMP_ACT_ALLOW, "lseek", SCMP_A1(SCMP_CMP_LE, 0x100000000));
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	int r;

	if (!strcmp(name, "docker"))
		docker();
	else if (!strcmp(name, "systemd"))
		systemd();
	else if (!strcmp(name, "systemd-deny"))
		systemd_deny();
	else if (!strcmp(name, "flatpak"))
		flatpak(0);
	else if (!strcmp(name, "flatpak-fixed"))
		flatpak(1);
	else if (!strcmp(name, "ranges"))
		ranges();
	else if (!strcmp(name, "s390x-libseccomp"))
		s390x();
	else
		die("no such filter", -EINVAL);
	if (argc > 2)
		seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = seccomp_export_bpf(c, 1);
	if (r)
		die("seccomp_export_bpf", r);
	return 0;
}
