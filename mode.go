package seccomp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/rule"
)

// A Mode says whether Lock locks. It is for a flag or a setting of the program, so that a service can be started
// without its stages, or brought back to them, without being built again.
type Mode uint8

// The modes.
const (
	Enforce Mode = iota // stages are put in force
	Off                 // Lock does nothing and returns ErrOff
	Observe             // nothing is refused; what would have been is told to the logger. Lock returns ErrObserving
)

var modes = [...]string{Enforce: "enforce", Off: "off", Observe: "observe"}

// String returns enforce, off or observe.
func (m Mode) String() string {
	if int(m) < len(modes) {
		return modes[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MarshalText returns what String returns.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText takes enforce, off or observe, so that flag.TextVar and the like can read a mode.
func (m *Mode) UnmarshalText(text []byte) error {
	i := slices.Index(modes[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown mode %q: the modes are %s%s", text, strings.Join(modes[:], ", "),
			rule.DidYouMean(string(text), slices.Values(modes[:])))
	}
	*m = Mode(i)
	return nil
}

// SetMode sets the mode. It must be called before the first Lock: what is in force stays in force, so that a later
// call has no effect, and returns ErrOrder.
//
// # Observe
//
// With Observe a policy is tried out where it will be used: every call goes through, and what a stage would have
// refused is told to the logger, with its arguments, the stack it was made from, the stage and rule, and the rule that
// would have allowed it; Current has the same. Of the same call, rule and stack that is once, and all are counted.
//
// It is not free of effects. One more process runs, which shares the memory of this one and lets the calls through; each
// of those takes some microseconds longer. Without CAP_SYS_ADMIN no_new_privs is set, as it is by locking. The filter
// stays, and children inherit it; what they do is told too, without a stack, and none of them can have a listener of its
// own. Where that process is killed, what would be refused fails with ENOSYS.
//
// It needs Linux 5.9, amd64 or arm64, and that no supervisor holds the listener of another filter; the race detector
// must be off. Where it can't be done, Lock says so by an error that matches ErrNotEnforced, and the program goes on.
// What stages said in code refuse that no stage did when the first was locked is told as far as it was foreseen: the
// receipt has a note.
func SetMode(m Mode) error { return process.setMode(m, observe) }
