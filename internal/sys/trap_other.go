//go:build linux && !amd64 && !arm64

package sys

import "syscall"

// CanSayTraps tells whether SayTraps has a handler for this architecture.
const CanSayTraps = false

// A TrapText is what there is to say about a call that a filter traps.
type TrapText struct {
	Rules []string
	Calls []TrapCall
}

// A TrapCall is the name of a call, and how many arguments it takes.
type TrapCall struct {
	Name string
	Args uint8
}

// SayTraps does nothing: the Go runtime's own traceback is all there is.
func SayTraps(*TrapText) syscall.Errno { return 0 }
