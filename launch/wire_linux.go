package launch

import (
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A wire is one end of the socket between a process and its helper.
type wire struct {
	file *os.File
	mu   sync.Mutex // frames are written one after the other
}

// newWires returns the two ends.
func newWires() (ours *wire, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return &wire{file: os.NewFile(uintptr(pair[0]), "helper")}, os.NewFile(uintptr(pair[1]), "process"), nil
}

// put sends a frame. The descriptors stay open here.
func (w *wire) put(f *frame) error {
	body := f.body()
	header := f.header(body)
	var rights []byte
	if len(f.files) > 0 {
		rights = unix.UnixRights(f.files...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	var n int
	var failed error
	err = conn.Write(func(fd uintptr) bool {
		n, failed = unix.SendmsgN(int(fd), header, rights, nil, unix.MSG_NOSIGNAL)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return os.NewSyscallError("sendmsg", failed)
	case n != len(header):
		return io.ErrShortWrite
	}
	_, err = w.file.Write(body)
	return err
}

// get receives a frame. io.EOF is the end of the other side.
func (w *wire) get() (*frame, error) {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var files []int
	header := make([]byte, headerSize)
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	for got := 0; got < len(header); {
		var n, m int
		var failed error
		err = conn.Read(func(fd uintptr) bool {
			n, m, _, _, failed = unix.Recvmsg(int(fd), header[got:], rights, unix.MSG_CMSG_CLOEXEC)
			return failed != unix.EAGAIN && failed != unix.EINTR
		})
		files = append(files, descriptors(rights[:max(m, 0)])...)
		switch {
		case err == nil && failed != nil:
			err = os.NewSyscallError("recvmsg", failed)
		case err == nil && n == 0:
			err = io.EOF
		}
		if err != nil {
			closeAll(files)
			return nil, err
		}
		got += n
	}
	f, err := readBody(w.file, header)
	if err != nil {
		closeAll(files)
		return nil, err
	}
	f.files = files
	return f, nil
}

func descriptors(control []byte) (files []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, fds...)
		}
	}
	return files
}

func closeAll(files []int) {
	for _, fd := range files {
		syscall.Close(fd)
	}
}
