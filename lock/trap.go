package lock

import "github.com/stagelock/seccomp/internal/sys"

// A TrapText is what is said on the standard error about the first call that a filter traps: the rule by the filter's
// SECCOMP_RET_DATA, the call by its number.
type TrapText = sys.TrapText

// A TrapCall is the name of a call, and how many arguments it takes.
type TrapCall = sys.TrapCall

// A TrapNeed is a call that is made between a trap and the line below the traceback.
type TrapNeed struct {
	Nr   uint32
	Args [6]uint64
}
