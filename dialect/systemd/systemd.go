// Package systemd reads and writes the settings of systemd's units that filter system calls (systemd.exec(5)):
// SystemCallFilter=, SystemCallErrorNumber=, SystemCallArchitectures= and SystemCallLog=.
//
// They mean what systemd makes of them (257; load-fragment.c, config_parse_syscall_filter, and seccomp-util.c):
//
//   - The first SystemCallFilter= settles the kind of the filter: a list of what is allowed, to which @default is
//     added, or after ~ of what is refused. Later lines add to it or, being of the other kind, take from it. An empty
//     one begins anew.
//   - NAME:ERRNO and NAME:kill say what a refused call gets, in a list of what is refused only. The others get
//     SystemCallErrorNumber=, and without it the process is killed.
//   - Where an architecture has sockets and System V's ipc behind one number too, socketcall and ipc, what is said of such
//     a call holds there as well, as libseccomp does it, unless the one number is named itself.
//   - What SystemCallLog= names is logged where it is allowed.
//
// Arguments can't be filtered. Other settings of a unit are gone past; some of them, such as
// RestrictAddressFamilies=, make filters of their own, and get a note.
package systemd

import "github.com/stagelock/seccomp/rule"

// The settings.
const (
	keyFilter = "SystemCallFilter"
	keyErrno  = "SystemCallErrorNumber"
	keyArches = "SystemCallArchitectures"
	keyLog    = "SystemCallLog"
)

var keys = []string{keyArches, keyErrno, keyFilter, keyLog}

// sections are those of units that processes are started for (systemd.exec(5)).
var sections = []string{"Service", "Socket", "Mount", "Swap"}

// filtering are the settings that make filters of their own (systemd.exec(5)).
var filtering = []string{"LockPersonality", "MemoryDenyWriteExecute", "PrivateDevices", "ProtectClock", "ProtectHostname",
	"ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "RestrictAddressFamilies",
	"RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"}

// architectures are what SystemCallArchitectures= takes (systemd.unit(5), ConditionArchitecture=).
var architectures = []string{"native", "x86", "x86-64", "x32", "ppc", "ppc-le", "ppc64", "ppc64-le", "ia64", "parisc",
	"parisc64", "s390", "s390x", "sparc", "sparc64", "mips", "mips-le", "mips64", "mips64-le", "mips64-n32",
	"mips64-le-n32", "alpha", "arm", "arm-be", "arm64", "arm64-be", "sh", "sh64", "m68k", "tilegx", "cris", "arc",
	"arc-be", "loongarch64", "riscv32", "riscv64"}

// defaultSet is what every list of allowed calls begins with.
const defaultSet = "@default"

// A listing is what the lines of SystemCallFilter= or SystemCallLog= amount to.
type listing struct {
	said    bool             // there is one, so what kind it is is settled
	inverse bool             // it names what is refused, or not logged
	calls   map[string]entry // by name
}

// An entry is a call in a listing.
type entry struct {
	errno int // noErrno, killErrno, or 0 to 4095
	pos   rule.Pos
}

// What stands in the place of an errno.
const (
	noErrno   = -1
	killErrno = -2
)
