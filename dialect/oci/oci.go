// Package oci reads and writes seccomp profiles as container runtimes take them: the object linux.seccomp of the OCI
// runtime specification, alone or in a whole config.json, and the form with conditions that Docker and its kin keep
// their default profiles in (archMap, includes, excludes).
//
// A profile means what runc and libseccomp make of it (runc 1.5, libseccomp 2.5):
//
//   - All 64 bits of an argument are compared, unsigned. SCMP_CMP_MASKED_EQ has the mask in value and what is
//     compared in valueTwo, whose bits outside the mask don't count.
//   - The args of an entry must all hold, unless two of them are about one argument: then any of them is enough
//     (runc, libcontainer/seccomp/seccomp_linux.go, matchCall).
//   - Of several entries for one call any is enough. One without args wins over those with, and the first such over
//     later ones. Where entries with args and different actions overlap, libseccomp gives no order: that is an error.
//   - Where an architecture has sockets and System V's ipc behind one number too, socketcall and ipc, an entry for such a
//     call holds there as well. What its args say of the first argument is lost, and of the others means something else.
//   - An entry whose action is the default one is left out (matchCall).
//   - Calls with numbers beyond the greatest that the profile names get ENOSYS, where the default refuses and isn't
//     ENOSYS itself (libcontainer/seccomp/patchbpf).
package oci

import (
	"slices"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/policy"
)

// Options say what a profile is read for. Docker's profiles have entries for some circumstances only.
type Options struct {
	dialect.Options
	Caps   []string // the capabilities of the container, such as CAP_SYS_ADMIN
	Kernel string   // the version of the kernel, as in 6.12; empty: any that stagelock runs on
}

// oldest is the first of the kernels that a profile is read for if nothing else is said: what it allows on some of them
// only is left out then, and what it refuses on some is refused.
const oldest = "4.14"

// An entry is one of syscalls, for one call.
type entry struct {
	conds  []policy.Cond // any of them; none: always
	action policy.Action
	origin *policy.Origin
}

// actions are what the specification has. What stagelock lacks is read as something stricter.
var actions = map[string]policy.Kind{
	"SCMP_ACT_ALLOW":        policy.Allow,
	"SCMP_ACT_LOG":          policy.Log,
	"SCMP_ACT_ERRNO":        policy.Errno,
	"SCMP_ACT_TRAP":         policy.Trap,
	"SCMP_ACT_KILL_PROCESS": policy.Kill,
	"SCMP_ACT_KILL":         policy.Kill,
	"SCMP_ACT_KILL_THREAD":  policy.Kill,
	"SCMP_ACT_TRACE":        policy.Errno,
	"SCMP_ACT_NOTIFY":       policy.Errno,
}

// eperm is SCMP_ACT_ERRNO's errno where none is said; it is 1 on all architectures.
const eperm = 1

// actionNames returns the names of all actions.
func actionNames() []string {
	names := make([]string, 0, len(actions))
	for name := range actions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// operators are the comparisons of the specification.
var operators = [...]string{
	dialect.Eq:       "SCMP_CMP_EQ",
	dialect.Ne:       "SCMP_CMP_NE",
	dialect.Lt:       "SCMP_CMP_LT",
	dialect.Le:       "SCMP_CMP_LE",
	dialect.Gt:       "SCMP_CMP_GT",
	dialect.Ge:       "SCMP_CMP_GE",
	dialect.MaskedEq: "SCMP_CMP_MASKED_EQ",
}

// arches has the specification's name for each GOARCH.
var arches = map[string]string{
	"386":      "SCMP_ARCH_X86",
	"amd64":    "SCMP_ARCH_X86_64",
	"arm":      "SCMP_ARCH_ARM",
	"arm64":    "SCMP_ARCH_AARCH64",
	"loong64":  "SCMP_ARCH_LOONGARCH64",
	"mips":     "SCMP_ARCH_MIPS",
	"mips64":   "SCMP_ARCH_MIPS64",
	"mips64le": "SCMP_ARCH_MIPSEL64",
	"mipsle":   "SCMP_ARCH_MIPSEL",
	"ppc64":    "SCMP_ARCH_PPC64",
	"ppc64le":  "SCMP_ARCH_PPC64LE",
	"riscv64":  "SCMP_ARCH_RISCV64",
	"s390x":    "SCMP_ARCH_S390X",
}

// otherArches are those that Go has no port for.
var otherArches = []string{"SCMP_ARCH_X32", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_S390", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB"}

// archNames returns the names of all architectures.
func archNames() []string {
	names := slices.Clone(otherArches)
	for _, name := range arches {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// dockerArches has the names that Docker's includes and excludes use: those of libseccomp.
var dockerArches = map[string]string{
	"386": "x86", "amd64": "amd64", "arm": "arm", "arm64": "arm64", "loong64": "loongarch64", "mips": "mips",
	"mips64": "mips64", "mips64le": "mipsel64", "mipsle": "mipsel", "ppc64": "ppc64", "ppc64le": "ppc64le",
	"riscv64": "riscv64", "s390x": "s390x",
}

// flags are those of the specification. They don't change what a call gets.
var flags = []string{"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}
