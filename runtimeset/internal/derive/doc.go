// Package derive finds out, from the source of a Go release, which system calls its runtime and standard library can
// make on each architecture, where they make them, and when.
//
// A call to the kernel is made by assembly (runtime/sys_linux_*.s, …), or by Go code that hands a number to a function
// that makes whatever call it is told (syscall.Syscall and its kin). [Toolchain.Derive] reads both: it resolves the
// numbers that the assembly puts into the register for them and the constants that Go code passes, and refuses to go on
// where there is one that it can't resolve, so that nothing is missed in silence. From a graph of who refers to whom it
// then tells when a call can be made: only while the process starts, at any moment, in a crash, by a profile, or where
// the program uses a certain function of the standard library.
//
// Nothing of a release is run: any machine can read any release for any architecture, offline, from the source that
// comes with it. What was found is kept in runtimeset/findings, one text for each release, and the sets of package
// runtimeset have to account for all of it.
package derive
