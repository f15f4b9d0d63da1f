package sys

import (
	"io/fs"
	"syscall"
)

// Names lists a directory, without . and .., in no order; with an error, as much of it as could be read. os.ReadDir and
// Readdirnames do the same, and link what else they can tell of files, down to how a time is written: 150 KB of a program
// that needs none of it.
func Names(dir string) ([]string, error) {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	for err == syscall.EINTR {
		fd, err = syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	defer syscall.Close(fd)
	var names []string
	for buf := make([]byte, 4<<10); ; {
		n, err := syscall.ReadDirent(fd, buf)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return names, &fs.PathError{Op: "getdents64", Path: dir, Err: err}
		case n == 0:
			return names, nil
		default:
			_, _, names = syscall.ParseDirent(buf[:n], -1, names)
		}
	}
}
