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

// Observe answers ErrNotSupported.
func (s *Session) Observe(stage Stage) (Receipt, error) { return s.Install(stage) }

// Judge says that there can be no judge.
func (s *Session) Judge([][]Instruction) int { return -1 }

// NameObserved does nothing.
func (s *Session) NameObserved(uint32, int) {}

// NextObserved waits for ever.
func (s *Session) NextObserved(*Observed) { select {} }

// Close does nothing.
func (s *Session) Close() {}

// Prepare does nothing; the descriptors are unknown.
func (s *Session) Prepare() (Runtime, error) {
	return Runtime{Pid: os.Getpid(), EpollFD: -1, EventFD: -1}, nil
}
