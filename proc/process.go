package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Process is what can be seen of one process.
type Process struct {
	Pid     int
	Command string  // the arguments it was started with, with spaces between; [NAME] where it has none
	Threads []State // of those that have not ended, by ascending thread id
	Unseen  error   // an *Error if there are threads that could not be read

	// Claim is what the process has published. If it is nil although seccomp is in force Unclaimed says why: it matches
	// ErrUnpublished where there is nothing, as for most processes that were not locked by this library.
	Claim     *Claim
	Unclaimed error
}

// Process looks at a process. The error is an *Error that matches fs.ErrNotExist if there is no such process.
func (f FS) Process(pid int) (Process, error) {
	var r reader
	p, err := f.process(pid, &r)
	if err == nil {
		f.describe(&p)
	}
	return p, err
}

// process reads the threads.
func (f FS) process(pid int, r *reader) (Process, error) {
	p := Process{Pid: pid}
	leader, err := r.read(filepath.Join(f.root(), strconv.Itoa(pid), "status"))
	switch {
	case gone(err):
		return p, &Error{Pid: pid, Err: fs.ErrNotExist}
	case err != nil:
		return p, &Error{Pid: pid, Err: err}
	case leader.Tgid != 0 && leader.Tgid != pid: // which no listing shows, but a path leads to
		return p, &Error{Pid: pid, Err: fmt.Errorf("it is a thread of process %d", leader.Tgid)}
	}
	list := []State{leader}
	if leader.Threads != 1 {
		if list, err = f.Threads(pid); list == nil {
			return p, err
		}
		p.Unseen = err
	}
	for _, s := range list {
		if !s.Exiting() {
			p.Threads = append(p.Threads, s)
		}
	}
	if len(p.Threads) == 0 { // a zombie
		return p, &Error{Pid: pid, Err: fs.ErrNotExist}
	}
	return p, nil
}

// describe reads what else there is to see of a process.
func (f FS) describe(p *Process) {
	p.Command = "[" + p.Threads[0].Name + "]"
	if text, err := os.ReadFile(filepath.Join(f.root(), strconv.Itoa(p.Pid), "cmdline")); err == nil {
		if text = bytes.TrimRight(text, "\x00"); len(text) > 0 {
			p.Command = string(bytes.ReplaceAll(text, []byte{0}, []byte(" ")))
		}
	}
	claim, err := f.Claim(p.Pid)
	if p.Claim = claim; p.InForce() {
		p.Unclaimed = err
	}
}

// InForce tells whether seccomp is in force on any of the threads.
func (p *Process) InForce() bool {
	return slices.ContainsFunc(p.Threads, func(s State) bool { return s.Mode == Filter || s.Mode == Strict })
}

// Usual returns the state that most threads have, as the first such thread has it, and the threads that differ from it
// in mode, filters, no_new_privs or mitigations.
func (p *Process) Usual() (usual State, differ []State) {
	count := make(map[State]int)
	for _, s := range p.Threads {
		count[s.protection()]++
	}
	most := 0
	for _, s := range p.Threads {
		if n := count[s.protection()]; n > most {
			usual, most = s, n
		}
	}
	for _, s := range p.Threads {
		if s.protection() != usual.protection() {
			differ = append(differ, s)
		}
	}
	return usual, differ
}

// protection returns the state without what every thread has of its own.
func (s State) protection() State {
	s.Name, s.Tid, s.Tgid, s.Run, s.Threads = "", 0, 0, 0, 0
	return s
}

// Disagrees says in what the kernel's word differs from what the process has published. It returns "" where it doesn't,
// and where nothing is published.
func (p *Process) Disagrees() string {
	if p.Claim == nil {
		return ""
	}
	for _, s := range p.Threads {
		if d := p.Claim.Disagrees(s); d != "" {
			if len(p.Threads) > 1 {
				d += fmt.Sprintf(" (thread %d)", s.Tid)
			}
			return d
		}
	}
	return ""
}

// A Survey is what can be seen of all processes.
type Survey struct {
	Locked []Process // those with seccomp in force on any thread, by ascending pid
	Unseen []error   // an *Error for each process that is there and could not be read
	Hidden bool      // processes of other users are not even listed (the option hidepid of /proc)
}

// Survey looks at all processes. Those that end while they are looked at are left out. The kernel's own threads, on
// which seccomp is never in force, never show.
func (f FS) Survey() (Survey, error) {
	pids, err := f.Pids()
	if err != nil {
		return Survey{}, err
	}
	var out Survey
	// Every pid namespace has a process 1, and every process may see it.
	_, first := slices.BinarySearch(pids, 1)
	out.Hidden = f.Root == "" && !first
	var r reader
	for _, pid := range pids {
		switch p, err := f.process(pid, &r); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			out.Unseen = append(out.Unseen, err)
		case p.InForce():
			f.describe(&p)
			out.Locked = append(out.Locked, p)
		case p.Unseen != nil:
			out.Unseen = append(out.Unseen, p.Unseen)
		}
	}
	return out, nil
}

// Pids lists the processes, in ascending order.
func (f FS) Pids() ([]int, error) {
	dir, err := os.Open(f.root())
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.ParseUint(name, 10, 31); err == nil && !strings.HasPrefix(name, "0") {
			pids = append(pids, int(pid))
		}
	}
	slices.Sort(pids)
	return pids, nil
}
