//go:build !linux

package proc

import "errors"

// Filters returns errors.ErrUnsupported: only Linux has filters.
func Filters(pid int) ([]Stack, error) { return nil, &Error{Pid: pid, Err: errors.ErrUnsupported} }
