package main

// narrowed has the arguments that a prototype says are as wide as a register, and of which the kernel nevertheless
// looks at fewer bits, by "entry name". A width that is too small would let a rule pass what the kernel takes for
// something else, and one too large would let high bits slip past a refusal: so each entry names where the kernel
// (Linux 6.12) drops the bits, and everything in doubt stays as the prototype has it. Notable for being absent, since
// high bits make them fail: mprotect's and pkey_mprotect's prot (arch_validate_prot), mremap's flags, unshare's
// flags, get_mempolicy's flags, perf_event_open's flags.
var narrowed = map[string]ctype{
	// kernel/fork.c, SYSCALL_DEFINE5(clone): lower_32_bits(clone_flags).
	"clone clone_flags": {'u', 32},
}
