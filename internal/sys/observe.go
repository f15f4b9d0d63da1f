package sys

// An Observed is a call that was let through and would have been refused.
type Observed struct {
	Judge  uint32 // by which of the judges, counted from 0
	Thread uint32
	Nr     uint32
	Arch   uint32
	Args   [6]uint64
	More   uint32 // calls of this number before it that would have been refused too, and that there was no room for
	Frames int    // how many of Stack there are; 0: the stack was not taken, or could not be
	Stack  [ObservedFrames]uintptr
	Name   [128]byte // the string that NameObserved asks for, with a NUL behind it if that is all of it; empty: none
}

// ObservedFrames is how much of a stack is taken, the innermost frames.
const ObservedFrames = 32
