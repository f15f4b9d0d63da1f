// Package foreign enters the kernel through an ABI that is not the program's own, which a filter must refuse. It is
// for tests and self-tests: nothing in the library calls it.
package foreign

import "errors"

// ErrUnsupported says that this architecture has no second way in that the package knows.
var ErrUnsupported = errors.New("no foreign system call entry on this architecture")

// Int80 makes a call through the 32-bit entry of a 64-bit x86 process, int $0x80, with i386's numbers and 32-bit
// arguments. On a kernel without CONFIG_IA32_EMULATION, or booted with ia32_emulation=0, the instruction itself
// faults and the program dies: run it in a child. On other architectures it answers ErrUnsupported.
func Int80(nr, a1, a2, a3 uint32) (int32, error) { return int80(nr, a1, a2, a3) }

// Long64 makes a call without arguments as 64-bit code does, from a 32-bit x86 program: it jumps into the kernel's
// 64-bit code segment, which every process of a 64-bit kernel may, and makes a SYSCALL there, with amd64's numbers. On a
// 32-bit kernel the jump itself faults. On other architectures it answers ErrUnsupported.
func Long64(nr uint32) (int32, error) { return enterLong(nr) }
