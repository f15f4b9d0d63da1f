// Filters as programs write them with the kernel's macros, and a few that nobody would write; the one named goes to
// stdout as an array of struct sock_filter:
//
//	cc -o handwritten handwritten.c
//	./handwritten sandbox > sandbox.bpf
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOW(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define HIGH(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#define JEQ(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)
#define JGE(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, k, yes, no)
#define JGT(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, k, yes, no)
#define JSET(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, k, yes, no)
#define AND(k) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, k)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, k)

// In the manner of a browser's sandbox: a search over the numbers, traps that carry a reason, both halves of an
// argument looked at, x32 refused by its bit.
static struct sock_filter sandbox[] = {
	LOAD(arch),
	JEQ(AUDIT_ARCH_X86_64, 1, 0),
	RET(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	JSET(0x40000000, 0, 1),
	RET(SECCOMP_RET_TRAP | 1),
	JGE(335, 0, 1),
	RET(SECCOMP_RET_ERRNO | ENOSYS),
	JGE(64, 3, 0),
	JGE(56, 7, 0),			// 56 to 63
	JGE(41, 5, 0),			// 41 to 55
	RET(SECCOMP_RET_ALLOW),		// 0 to 40
	JGE(160, 2, 0),
	JGE(101, 0, 1),
	RET(SECCOMP_RET_TRAP | 2),	// 101 to 159
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_ERRNO | EPERM),
	JEQ(__NR_clone, 0, 8),
	HIGH(0),
	JEQ(0, 1, 0),
	RET(SECCOMP_RET_TRAP | 3),
	LOW(0),
	AND(0xff),			// the signal at exit
	JEQ(17, 1, 0),			// SIGCHLD
	JEQ(0, 0, 2),
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_TRAP | 4),
	RET(SECCOMP_RET_ERRNO | EPERM),
};

// In the manner of minijail: one block per call, arguments word by word, then kill the thread.
static struct sock_filter minijail[] = {
	LOAD(arch),
	JEQ(AUDIT_ARCH_X86_64, 1, 0),
	RET(SECCOMP_RET_KILL_THREAD),
	LOAD(nr),
	JEQ(__NR_read, 0, 1),
	RET(SECCOMP_RET_ALLOW),
	JEQ(__NR_write, 0, 1),
	RET(SECCOMP_RET_ALLOW),
	JEQ(__NR_exit_group, 0, 1),
	RET(SECCOMP_RET_ALLOW),
	JEQ(__NR_mprotect, 0, 6),	// arg2 in ~PROT_EXEC
	HIGH(2),
	JSET(0xffffffff, 3, 0),
	LOW(2),
	JSET(~4u, 1, 0),
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_KILL_THREAD),
	JEQ(__NR_ioctl, 0, 7),		// arg1 == TCGETS || arg1 == TIOCGWINSZ
	HIGH(1),
	JEQ(0, 0, 4),
	LOW(1),
	JEQ(0x5401, 1, 0),
	JEQ(0x5413, 0, 1),
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_KILL_THREAD),
	JEQ(__NR_openat, 0, 3),		// arg2 & O_ACCMODE == O_RDONLY
	LOW(2),
	JSET(3, 0, 2),
	RET(SECCOMP_RET_ERRNO | EACCES),
	RET(SECCOMP_RET_KILL_THREAD),
	RET(SECCOMP_RET_ALLOW),
};

// As tutorials have it: no look at the architecture.
static struct sock_filter tutorial[] = {
	LOAD(nr),
	JEQ(__NR_execve, 3, 0),
	JEQ(__NR_socket, 0, 3),
	LOW(0),
	JEQ(1, 1, 0),
	RET(SECCOMP_RET_ERRNO | EPERM),
	RET(SECCOMP_RET_ALLOW),
};

// Arithmetic, arguments compared with each other, the caller's address, a returned register.
static struct sock_filter computed[] = {
	LOAD(arch),
	JEQ(AUDIT_ARCH_X86_64, 1, 0),
	RET(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	JEQ(__NR_lseek, 5, 0),
	JEQ(__NR_dup2, 8, 0),
	JEQ(__NR_getpid, 12, 0),
	JEQ(__NR_write, 14, 0),
	JEQ(__NR_kill, 18, 0),
	RET(SECCOMP_RET_ALLOW),
	LOW(1),				// lseek: offset + 10 > 20
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 10),
	JGT(20, 0, 20),
	RET(SECCOMP_RET_ERRNO | EINVAL),
	LOW(0),				// dup2: arg0 == arg1
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	LOW(1),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 15, 16),
	RET(SECCOMP_RET_ALLOW),
	LOAD(instruction_pointer),	// getpid
	JGE(0x1000, 12, 13),
	RET(SECCOMP_RET_ALLOW),
	LOW(0),				// write: errno(fd)
	AND(0xffff),
	BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
	BPF_STMT(BPF_RET | BPF_A, 0),
	RET(SECCOMP_RET_ALLOW),
	LOW(1),				// kill: (sig | 1) == 15, counted in memory
	BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1),
	BPF_STMT(BPF_ST, 3),
	BPF_STMT(BPF_LDX | BPF_MEM, 3),
	BPF_STMT(BPF_MISC | BPF_TXA, 0),
	JEQ(15, 0, 1),
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_ERRNO | EPERM),
};

#define WRITE(filter) fwrite(filter, sizeof filter, 1, stdout)

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "sandbox"))
		return WRITE(sandbox) != 1;
	if (!strcmp(name, "minijail"))
		return WRITE(minijail) != 1;
	if (!strcmp(name, "tutorial"))
		return WRITE(tutorial) != 1;
	if (!strcmp(name, "computed"))
		return WRITE(computed) != 1;
	fprintf(stderr, "no such filter\n");
	return 1;
}
