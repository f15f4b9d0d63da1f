package lock

import (
	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// SayTraps puts a handler before the Go runtime's own one for SIGSYS that says which call was trapped; another text
// takes the place of the one before. It is called before the filters are installed that trap, and changes nothing on
// architectures other than amd64 and arm64.
//
// Limits. A thread that has SIGSYS blocked at the call, as the runtime's are while they start a thread or a child, is
// killed by the kernel without a word. So is one whose filters trap write(2) too. One line is said in the life of a
// process: trapped calls end it.
func SayTraps(t *TrapText) error {
	if errno := sys.SayTraps(t); errno != 0 {
		return &Error{Class: ErrRefused, Op: "rt_sigaction(SIGSYS)", Errno: unix.Errno(errno)}
	}
	return nil
}
