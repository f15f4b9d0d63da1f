package policy

// An Action is what happens to a system call. The zero value is the strictest: the process is killed.
type Action struct {
	Kind  Kind
	Errno uint16 // of Errno: 1 to 4095
}

// A Kind is the kind of an Action, from the strictest to the mildest, in the order in which the kernel lets one win
// over another where several filters answer (seccomp(2)).
type Kind uint8

// The kinds of actions. There is no killing of a single thread: it leaves a Go process half dead.
const (
	Kill  Kind = iota // the process dies of SIGSYS, without a word
	Trap              // SIGSYS is delivered: a Go program prints a traceback and exits with 2
	Errno             // the call fails with an errno
	Log               // the call is made, and the kernel logs it
	Allow             // the call is made
)

// What a filter returns for each kind: <linux/seccomp.h>.
const (
	retKill  = 0x80000000
	retTrap  = 0x00030000
	retErrno = 0x00050000
	retLog   = 0x7ffc0000
	retAllow = 0x7fff0000
)

// Ret returns the value a filter returns for a.
func (a Action) Ret() uint32 {
	switch a.Kind {
	case Trap:
		return retTrap
	case Errno:
		return retErrno | uint32(a.Errno)
	case Log:
		return retLog
	case Allow:
		return retAllow
	}
	return retKill
}

// ActionOf returns the action that a filter's return value stands for; ok is false for one that this package has no
// Action for (tracing, user notification, killing a thread, data it doesn't use).
func ActionOf(ret uint32) (a Action, ok bool) {
	switch {
	case ret&0xffff0000 == retErrno && ret&0xffff <= 4095:
		a = Action{Errno, uint16(ret)}
	case ret == retKill:
	case ret == retTrap:
		a = Action{Kind: Trap}
	case ret == retLog:
		a = Action{Kind: Log}
	case ret == retAllow:
		a = Action{Kind: Allow}
	default:
		return a, false
	}
	return a, true
}

// Allows tells whether the call is made.
func (a Action) Allows() bool { return a.Kind >= Log }

// Strictest returns what the kernel does where an older filter answers old and a newer one answers a: the stricter
// one, and between equals the newer.
func (a Action) Strictest(old Action) Action {
	if old.Kind < a.Kind {
		return old
	}
	return a
}
