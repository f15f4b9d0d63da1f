//go:build !linux

package lock

import "os"

type threads struct{}

// Install answers ErrNotSupported: only Linux has seccomp.
func (s *Session) Install(stage Stage) (Receipt, error) {
	return Receipt{Stage: stage.Name, Before: -1, Inherited: -1}, &Error{
		Class: ErrNotSupported, Stage: stage.Name, Hint: "only Linux has seccomp",
	}
}

// Close does nothing.
func (s *Session) Close() {}

// Prepare does nothing; the descriptors are unknown.
func (s *Session) Prepare() (Runtime, error) {
	return Runtime{Pid: os.Getpid(), EpollFD: -1, EventFD: -1}, nil
}
