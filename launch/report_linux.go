package launch

import (
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/policy"
)

// Run is Start and Wait.
func (r *Reported) Run(refused func(Refusal)) error {
	if err := r.Start(refused); err != nil {
		return err
	}
	return r.Wait()
}

// Start starts the program, and calls refused for every refusal, from another goroutine, while the call waits for its
// answer. When Start returns without an error, the program's filter is in force, or Wait says why not.
func (r *Reported) Start(refused func(Refusal)) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	ours, theirs := pair[0], os.NewFile(uintptr(pair[1]), "report")
	defer unix.Close(ours)
	passed := passedOn()
	r.Cmd.ExtraFiles = append(passed, theirs)
	r.Cmd.Args[1] = strconv.Itoa(firstPassed + len(passed))
	err = r.Cmd.Start()
	for _, f := range r.Cmd.ExtraFiles {
		f.Close()
	}
	if err != nil {
		return err
	}
	if err := r.instruct(ours); err != nil {
		r.Cmd.Process.Kill()
		r.Cmd.Wait()
		return err
	}
	r.stop, r.done = make(chan struct{}), make(chan struct{})
	if r.listener, err = receive(ours); err != nil { // the program ended before it had a filter
		close(r.done)
		return nil
	}
	pause := -1 // until something comes: a call, or the end of the last one that has the filter
	if sys.TellsLastUser() != 0 {
		pause = 20 // milliseconds, after which Wait's end is noticed
	}
	go func() {
		r.supervise(r.listener, pause, refused)
		r.mu.Lock()
		unix.Close(r.listener)
		r.listener = -1
		r.mu.Unlock()
		close(r.done)
	}()
	return nil
}

// firstPassed is the first descriptor behind the standard ones.
const firstPassed = 3

// passedOn returns those from there on that a child would have anyway, since they are not close-on-exec: of whoever started
// this program for the one that it starts, such as make's for its jobs. The socket's place is behind them.
func passedOn() (files []*os.File) {
	for fd := uintptr(firstPassed); ; fd++ {
		flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			return files
		}
		same, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, firstPassed)
		if err != nil {
			return files
		}
		files = append(files, os.NewFile(uintptr(same), "passed on"))
	}
}

// instruct sends the filter to the process that is to become the program.
func (r *Reported) instruct(socket int) (err error) {
	if r.table, err = r.tableFor(r.Cmd.Process.Pid); err != nil {
		return err
	}
	program, err := compileReported(r.table)
	if err != nil {
		return err
	}
	unix.Send(socket, bpf.Encode(nil, binary.LittleEndian, program), unix.MSG_NOSIGNAL) // it may have ended
	return nil
}

// instructed gets what instruct sends.
func instructed(socket int) (*Filters, error) {
	data := make([]byte, 64<<10) // 8 bytes for each of at most 4,096 instructions
	for {
		n, err := unix.Read(socket, data)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		}
		program, err := bpf.Decode(data[:n], binary.LittleEndian)
		if err != nil || len(program) == 0 {
			return nil, errors.New("the supervisor has sent no filter")
		}
		return &Filters{programs: [][]bpf.Instruction{program}, supervisor: socket}, nil
	}
}

// Wait waits for the program's end. The error is exec.Cmd's. It does not wait for what the program has left behind, which
// may be a daemon: refused may be called until Done is closed. If it has left nobody, Done is closed when Wait returns.
func (r *Reported) Wait() error {
	err := r.Cmd.Wait()
	switch {
	case sys.TellsLastUser() != 0:
		close(r.stop)
		<-r.done
	case r.over():
		<-r.done
	}
	return err
}

// over tells whether nobody has the filter any more. A process that has been waited for has it no longer
// (kernel/exit.c, release_task); what is unknown here is only when supervise gets to know of it.
func (r *Reported) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener < 0 { // supervise knows it already
		return true
	}
	fds := []unix.PollFd{{Fd: int32(r.listener)}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&unix.POLLHUP != 0
}

// Done is closed when nobody has the program's filter any more, and nothing more will be told.
func (r *Reported) Done() <-chan struct{} { return r.done }

// supervise answers until it is told to stop, or nobody is left.
func (r *Reported) supervise(listener, pause int, refused func(Refusal)) {
	// The first call is the exec that starts the program: one thread has the filter, and it makes that one call.
	for first := true; ; {
		select {
		case <-r.stop:
			return
		default:
		}
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, pause); n == 0 || err != nil {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return // POLLHUP: "the last task using the filter has exited" (seccomp_unotify(2))
		}
		n, errno := sys.ReceiveNotification(listener)
		if errno != 0 {
			continue // ENOENT: the caller was killed meanwhile
		}
		nr := uint32(n.Nr)
		by := r.table.Eval(nr, n.Args)
		if first || by.Action.Allows() {
			// Of a later execve that the policy allows, whatever its memory says by the time the kernel reads it is
			// allowed too.
			first = false
			if errno := sys.ContinueNotification(listener, n.ID); errno == unix.EINVAL { // before Linux 5.5
				sys.RefuseNotification(listener, n.ID, unix.ENOSYS)
			}
			continue
		}
		// It is told first, so that it stands before what the program says about it.
		refused(Refusal{Thread: int(n.Pid), Nr: nr, Args: n.Args, By: by,
			Waiting: func() bool { return sys.NotificationValid(listener, n.ID) }})
		with := unix.ENOSYS // for an execve that is to kill or trap, as without a report
		if by.Action.Kind == policy.Errno {
			with = syscall.Errno(by.Action.Errno)
		}
		sys.RefuseNotification(listener, n.ID, with)
	}
}

// send passes a descriptor to the supervisor.
func send(socket, fd int) error {
	return unix.Sendmsg(socket, []byte{0}, unix.UnixRights(fd), nil, 0)
}

// receive gets the descriptor that send passes; the error is about a sender that ended before.
func receive(socket int) (fd int, err error) {
	data, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	for {
		n, m, _, _, err := unix.Recvmsg(socket, data, rights, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return -1, unix.ECONNRESET
		}
		messages, err := unix.ParseSocketControlMessage(rights[:m])
		if err != nil || len(messages) == 0 {
			return -1, unix.EBADMSG
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil || len(fds) == 0 {
			return -1, unix.EBADMSG
		}
		return fds[0], nil
	}
}
