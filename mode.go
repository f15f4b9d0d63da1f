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
)

var modes = [...]string{Enforce: "enforce", Off: "off"}

// String returns enforce or off.
func (m Mode) String() string {
	if int(m) < len(modes) {
		return modes[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MarshalText returns what String returns.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText takes enforce or off, so that flag.TextVar and the like can read a mode.
func (m *Mode) UnmarshalText(text []byte) error {
	i := slices.Index(modes[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown mode %q: the modes are %s%s", text, strings.Join(modes[:], " and "),
			rule.DidYouMean(string(text), slices.Values(modes[:])))
	}
	*m = Mode(i)
	return nil
}

// SetMode sets the mode. It must be called before the first Lock: what is in force stays in force, so that a later
// call has no effect, and returns ErrOrder.
func SetMode(m Mode) error { return process.setMode(m) }
