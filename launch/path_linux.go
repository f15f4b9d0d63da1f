package launch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// LookPath finds a program as execvp(3) does: a name with a slash in it is a path, any other is looked for in the
// directories of PATH, an empty one standing for the current directory. The error is an *Error of class ErrNotStarted.
func LookPath(name string) (path string, err error) {
	if strings.Contains(name, "/") {
		return name, runnable(name)
	}
	failed := &Error{Class: ErrNotStarted, Path: name, Errno: syscall.ENOENT}
	if name == "" {
		return "", failed
	}
	dirs, ok := os.LookupEnv("PATH")
	if !ok {
		dirs = "/bin:/usr/bin" // as the C library has it: confstr(_CS_PATH)
	}
	for _, dir := range strings.Split(dirs, ":") {
		if dir == "" {
			dir = "."
		}
		path := dir + "/" + name
		err := runnable(path)
		switch {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && failed.Errno == syscall.ENOENT:
			failed = err.(*Error) // worth telling where no directory has a better one
		}
	}
	return "", failed
}

// runnable tells early what execve would: there is no way back from there.
func runnable(path string) error {
	errno := func(err error) syscall.Errno {
		var e syscall.Errno
		errors.As(err, &e)
		return e
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return &Error{Class: ErrNotStarted, Path: path, Errno: errno(err)}
	case info.IsDir():
		return &Error{Class: ErrNotStarted, Path: path, Errno: syscall.EISDIR}
	}
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil {
		e := &Error{Class: ErrNotStarted, Path: path, Errno: errno(err)}
		if info.Mode()&0o111 == 0 {
			e.Hint = "it has no execute permission: chmod +x " + filepath.Base(path)
		}
		return e
	}
	return nil
}
