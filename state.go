package seccomp

import "slices"

// A State is what is known of the process's stages.
type State struct {
	Mode     Mode
	Stage    string    // the stage in force; empty: none
	Receipts []Receipt // one for each Lock that put something in force, in order
	Err      error     // why a Declare or Lock failed; nil if none did
}

// Current returns the state of the process.
func Current() State {
	m := &process
	m.mu.Lock()
	defer m.mu.Unlock()
	s := State{Mode: m.mode, Receipts: slices.Clone(m.receipts), Err: m.err}
	if m.inForce != nil {
		s.Stage = m.inForce.name
	}
	return s
}
