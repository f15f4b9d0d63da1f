// Package kernel holds what the Linux kernel's system call interface looks like on each GOARCH: the numbers, the
// arguments' names and types, the constants. Everything is generated (see gen/); nothing is looked up on the machine.
//
// A program that only calls Native links the tables of its own GOARCH; ByName links those of all. The tables are
// static data: they cost no work at start, and strings are searched in place.
package kernel

//go:generate go run ./gen

// An Arch is one system call ABI, the one that Go programs of a GOARCH use.
type Arch struct {
	Name      string // the GOARCH
	Audit     uint32 // AUDIT_ARCH_* of <linux/audit.h>: what seccomp_data.arch holds
	Bits      int    // 32 or 64: the size of a register, and so of an argument
	BigEndian bool
	X32       bool // numbers from 1<<30 on are calls of the x32 ABI (amd64)

	calls      []entry  // by ascending number
	names      string   // of the calls, one after the other
	byName     []uint16 // hash table of calls by name: indexes plus one, 0 where none is; its length is a power of two
	prototypes prototypes
	errnos     text
	consts     own
}

// An entry is what the tables have of a Call, which is five times as large.
type entry struct {
	nr   uint32 // on arm beyond 16 bits
	name uint16 // where its name begins in names
	size uint8  // of the name
	rank uint8  // its weight, in weights
}

// own has the constants whose value, or existence, is not the same on every Arch. The linker leaves out of a program
// what only a method reaches that is not called: so these, if Const is not.
type own interface{ consts() text }

// A Call is one system call of one Arch.
type Call struct {
	Name string // as in the kernel's table, without sys_
	Nr   uint32 // the number in seccomp_data.nr
	rank uint8  // its weight, in weights
	at   uint16 // the place of its prototype
	of   prototypes
}

// prototypes has the prototypes of calls: the linker leaves them out of a program as it does own, if Args and Known are
// not called. They are one string, with the end of each.
type prototypes interface {
	prototypes() (text string, ends []uint16)
}

// prototype returns the arguments: "fd:u32 buf:p64 count:u64". An unknown prototype is "?64" or "?32".
func (c Call) prototype() string {
	if c.of == nil {
		return ""
	}
	text, ends := c.of.prototypes()
	begin := uint16(0)
	if c.at > 0 {
		begin = ends[c.at-1]
	}
	return text[begin:ends[c.at]]
}

// A Type is what the kernel reads of an argument register.
type Type struct {
	Bits    uint8 // 16, 32 or 64: the low bits that count; higher ones are ignored by the kernel
	Signed  bool
	Pointer bool // an address in the process: may be compared with 0 only
}

// An Arg is a named, typed argument of a Call.
type Arg struct {
	Name string // the kernel's own, as ftrace shows it
	Type Type
}

// A Const is a named number of the kernel's user interface, such as AF_INET, with the value it has on one Arch.
type Const struct {
	Name  string
	Value int64 // of an unsigned 64-bit constant, the same bits
}

// Foreign tells whether nr is a call of another ABI that enters with the same AUDIT_ARCH: x32's numbers have bit 30
// set (arch/x86/include/uapi/asm/unistd.h). -1 is not: a tracer writes it to skip a call.
func (a *Arch) Foreign(nr uint32) bool { return a.X32 && nr >= 1<<30 && nr != 1<<32-1 }
