// Package proc tells what is in force: it reads the seccomp state of every thread of any process from /proc, and
// changes nothing.
//
// The kernel shows a mode and a number of filters for each thread, never what the filters say (proc(5)).
package proc

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/stagelock/seccomp/internal/digits"
)

// A Mode is a thread's seccomp mode, the Seccomp field of /proc/PID/status.
type Mode int8

const (
	Unknown  Mode = iota - 1 // the kernel does not say: built without CONFIG_SECCOMP, or no Linux kernel at all
	Disabled                 // SECCOMP_MODE_DISABLED
	Strict                   // SECCOMP_MODE_STRICT: read, write, _exit and sigreturn only
	Filter                   // SECCOMP_MODE_FILTER
)

func (m Mode) String() string {
	switch m {
	case Disabled:
		return "disabled"
	case Strict:
		return "strict"
	case Filter:
		return "filter"
	}
	return "unknown"
}

// A State is what the kernel says about one thread. See proc_pid_status(5) for the fields.
type State struct {
	Name    string // the thread's name, at most 15 bytes, with the kernel's escapes for newline and backslash
	Tid     int    // the thread's id, Pid in the file
	Tgid    int    // the process it belongs to
	Run     byte   // R running, S sleeping, D disk sleep, T stopped, t traced, Z zombie, X dead, I idle
	Threads int    // how many threads the process has

	Mode       Mode
	Filters    int  // filters in force on the thread; -1 where the kernel does not say (before Linux 5.9)
	NoNewPrivs bool // cannot gain privileges by exec; can be false for want of the field only before Linux 4.10

	// The mitigations of speculative execution in force on the thread, in the kernel's words ("vulnerable",
	// "thread force mitigated", "conditional enabled", …); empty where the kernel does not say.
	StoreBypass    string // Speculation_Store_Bypass, since Linux 4.17
	IndirectBranch string // SpeculationIndirectBranch, since Linux 5.11
}

// Exiting tells whether the thread is dead already and only waits to be collected.
func (s State) Exiting() bool { return s.Run == 'Z' || s.Run == 'X' || s.Run == 'x' }

// ErrMalformed is matched by every error about a status file that is not what the kernel writes.
var ErrMalformed = errors.New("malformed status file")

// Parse reads the text of a status file. Fields it does not know are skipped; those that are missing get the value
// that stands for unknown, except Pid, without which the file is not one of a thread.
func Parse(status []byte) (State, error) {
	s := State{Mode: Unknown, Filters: -1}
	for len(status) > 0 {
		var line []byte
		line, status, _ = cut(status, '\n')
		field, value, ok := cut(line, ':')
		if !ok {
			continue
		}
		if err := s.set(field, trim(value)); err != nil {
			return State{}, err
		}
	}
	if s.Tid == 0 {
		return State{}, fmt.Errorf("%w: no Pid field", ErrMalformed)
	}
	return s, nil
}

// cut is bytes.Cut at a single byte, which needs none of the searches that are linked for longer texts.
func cut(text []byte, at byte) (before, after []byte, found bool) {
	i := bytes.IndexByte(text, at)
	if i < 0 {
		return text, nil, false
	}
	return text[:i], text[i+1:], true
}

// trim takes the blanks off both ends.
func trim(value []byte) []byte {
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	for len(value) > 0 && blank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && blank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}

func (s *State) set(field, value []byte) (err error) {
	switch string(field) { // no allocation: the compiler compares the bytes in place
	case "Name":
		s.Name = string(value)
	case "State":
		if len(value) > 0 {
			s.Run = value[0]
		}
	case "Pid":
		s.Tid, err = number(field, value)
	case "Tgid":
		s.Tgid, err = number(field, value)
	case "Threads":
		s.Threads, err = number(field, value)
	case "Seccomp":
		var mode int
		mode, err = number(field, value)
		s.Mode = Unknown
		if mode <= int(Filter) {
			s.Mode = Mode(mode)
		}
	case "Seccomp_filters":
		s.Filters, err = number(field, value)
	case "NoNewPrivs":
		var n int
		n, err = number(field, value)
		s.NoNewPrivs = n != 0
	case "Speculation_Store_Bypass":
		s.StoreBypass = string(value)
	case "SpeculationIndirectBranch":
		s.IndirectBranch = string(value)
	}
	return err
}

// number reads a count or an id, of which the kernel shows none below zero.
func number(field, value []byte) (int, error) {
	n, ok := digits.Parse(string(value), 10, 31)
	if !ok {
		return 0, fmt.Errorf("%w: %s: %q is not a number", ErrMalformed, field, value)
	}
	return int(n), nil
}
