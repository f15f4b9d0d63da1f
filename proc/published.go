package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/stagelock/seccomp/internal/published"
)

// ErrUnpublished: a process has no published state, or none that is sealed as this library seals it.
var ErrUnpublished = errors.New("it has published nothing")

// Published is what the link of a descriptor says that leads to a process's published state.
const Published = "/memfd:" + published.Name + " (deleted)"

// Claim reads what a process has published about its stages. It needs the rights to look at the process's descriptors:
// the same user, or CAP_SYS_PTRACE. The error matches ErrUnpublished if there is nothing, ErrClaim if it makes no
// sense, and fs.ErrPermission or fs.ErrNotExist as they say.
func (f FS) Claim(pid int) (*Claim, error) {
	dir := filepath.Join(filepath.Dir(f.Tasks(pid)), "fd")
	d, err := os.Open(dir)
	if err != nil {
		return nil, &Error{Pid: pid, Err: err}
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, &Error{Pid: pid, Err: err}
	}
	reason := ErrUnpublished
	for _, name := range names {
		path := filepath.Join(dir, name)
		if link, _ := os.Readlink(path); link != Published {
			continue
		}
		c, err := readClaim(path)
		if err == nil {
			return c, nil
		}
		if !gone(err) {
			reason = err
		}
	}
	return nil, &Error{Pid: pid, Err: reason}
}

func readClaim(path string) (*Claim, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // whatever it leads to by now, opening it ends
	if err != nil {
		return nil, err
	}
	defer file.Close()
	switch sealed, err := published.Sealed(int(file.Fd())); {
	case err != nil:
		return nil, &fs.PathError{Op: "get seals of", Path: path, Err: err}
	case !sealed:
		return nil, fmt.Errorf("%w that is sealed: others may have written what %s says", ErrUnpublished, filepath.Base(path))
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	text, err := published.Read(file, info.Size())
	switch {
	case errors.Is(err, published.ErrEmpty):
		return nil, fmt.Errorf("%w yet", ErrUnpublished)
	case errors.Is(err, published.ErrFormat):
		return nil, fmt.Errorf("%w: %w", ErrClaim, err)
	case err != nil:
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	c, err := ParseClaim(text)
	if err != nil {
		return nil, err
	}
	return &c, nil
}
