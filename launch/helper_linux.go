package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Start starts the helper. The error is about a program that isn't there, of class ErrNotStarted, or a process that
// could not be made.
func (h *Helper) Start() error {
	table := &frame{kind: framePrograms}
	for _, p := range h.programs {
		path, err := LookPath(p.path)
		if err != nil {
			return err
		}
		filters := []string{}
		if p.filters != nil {
			filters = p.filters.encode(nil)
		}
		table.text = append(append(table.text, strconv.Itoa(len(filters)), path, p.path), filters...)
	}
	ours, theirs, err := newWires()
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{helping}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		ours.file.Close()
		return err
	}
	if err := ours.put(table); err != nil {
		ours.file.Close()
		cmd.Wait()
		return &Error{Class: ErrHelper, Hint: "main must begin with launch.Main"}
	}
	h.wire, h.err, h.cmds, h.done = ours, nil, make(map[uint32]*Cmd), make(chan struct{})
	go h.listen(cmd)
	return nil
}

// Close ends the helper, and with it the programs that it has started.
func (h *Helper) Close() error {
	if h.wire == nil {
		return ErrHelper
	}
	err := syscall.EBADF
	if conn, cerr := h.wire.file.SyscallConn(); cerr == nil {
		conn.Control(func(fd uintptr) { err, _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR).(syscall.Errno) })
	}
	<-h.done
	if err != 0 {
		return err
	}
	return nil
}

// listen takes what the helper says, until it ends.
func (h *Helper) listen(cmd *exec.Cmd) {
	for {
		f, err := h.wire.get()
		if err != nil {
			break
		}
		h.mu.Lock()
		c := h.cmds[f.id]
		if f.kind != frameStarted {
			delete(h.cmds, f.id)
		}
		h.mu.Unlock()
		if c == nil || len(f.text) == 0 {
			closeAll(f.files)
			continue
		}
		c.hear(f)
	}
	h.mu.Lock()
	h.err = ErrHelper
	for _, c := range h.cmds {
		close(c.started)
		close(c.ended)
	}
	h.cmds = nil
	h.mu.Unlock()
	h.wire.file.Close()
	cmd.Wait()
	close(h.done)
}

// hear takes what is said about the command.
func (c *Cmd) hear(f *frame) {
	switch f.kind {
	case frameStarted:
		c.Pid, _ = strconv.Atoi(f.text[0])
		if len(f.files) > 0 {
			c.pipe = os.NewFile(uintptr(f.files[0]), "output")
			closeAll(f.files[1:])
		}
		c.started <- nil
	case frameFailed:
		c.started <- fmt.Errorf("%s: %w", c.program.path, errors.New(f.text[0]))
	case frameEnded:
		status, _ := strconv.Atoi(f.text[0])
		c.ended <- syscall.WaitStatus(status)
	}
}

// Start starts the program, and does not wait for its end. ErrHelper is an error if the helper has ended.
func (c *Cmd) Start() error {
	h := c.program.helper
	c.started, c.ended = make(chan error, 1), make(chan syscall.WaitStatus, 1)
	f := &frame{kind: frameStart}
	which := []byte("...")
	for i, file := range []*os.File{c.Stdin, c.Stdout, c.Stderr} {
		if file != nil {
			which[i] = 'f'
			f.files = append(f.files, int(file.Fd()))
		}
	}
	if c.output {
		if c.Stdout != nil {
			return errors.New("launch: Stdout is set already")
		}
		which[1] = 'o'
	}
	for _, file := range c.ExtraFiles {
		f.files = append(f.files, int(file.Fd()))
	}
	if len(f.files) > maxFiles {
		return &Error{Class: ErrNotStarted, Path: c.program.path, Hint: fmt.Sprintf("it can get %d descriptors at most", maxFiles)}
	}
	f.text = append([]string{strconv.Itoa(c.program.number), string(which)}, c.Args...)

	h.mu.Lock()
	if h.err != nil {
		h.mu.Unlock()
		return h.err
	}
	h.last++
	c.id, f.id = h.last, h.last
	h.cmds[c.id] = c
	h.mu.Unlock()
	if err := h.wire.put(f); err != nil {
		h.mu.Lock()
		delete(h.cmds, c.id)
		h.mu.Unlock()
		return fmt.Errorf("%w: %w", ErrHelper, err)
	}
	err, ok := <-c.started
	if !ok {
		return ErrHelper
	}
	return err
}

// Wait waits for the program's end. It is nil if the exit code is 0, and an *ExitError if not; ErrHelper if the helper
// has ended, and so the program, too.
func (c *Cmd) Wait() error {
	if c.id == 0 {
		return ErrHelper // it was not started
	}
	status, ok := <-c.ended
	switch {
	case !ok:
		return ErrHelper
	case status != 0:
		return &ExitError{status}
	}
	return nil
}

// Signal sends the program a signal. It does nothing to one that has ended.
func (c *Cmd) Signal(s syscall.Signal) error {
	if c.id == 0 {
		return ErrHelper
	}
	return c.program.helper.wire.put(&frame{kind: frameSignal, id: c.id, text: []string{strconv.Itoa(int(s))}})
}
