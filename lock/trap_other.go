//go:build !linux

package lock

// SayTraps is for Linux: elsewhere nothing is locked.
func SayTraps(*TrapText) error { return &Error{Class: ErrNotSupported} }

// TrapNeeds is for Linux.
func TrapNeeds(uint64) []TrapNeed { return nil }
