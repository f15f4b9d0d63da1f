package kernel

// The parts of an AUDIT_ARCH_* value besides the ELF machine: <linux/audit.h>.
const (
	audit64 = 0x80000000 // __AUDIT_ARCH_64BIT
	auditLE = 0x40000000 // __AUDIT_ARCH_LE
)
