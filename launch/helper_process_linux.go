package launch

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// help is what a helper does: it starts what it is asked for, until the other side ends.
func help() error {
	// A terminal's signals, and those for a group, are the other side's to act on. They are caught, not ignored: programs
	// would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1,
		syscall.SIGUSR2, syscall.SIGALRM)
	// The programs are to end with this process, which for the kernel is the thread that starts them (prctl(2),
	// PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	const fd = 3
	syscall.CloseOnExec(fd)
	x := &helpful{wire: &wire{file: os.NewFile(fd, "process")}, running: make(map[uint32]*os.Process)}
	table, err := x.wire.get()
	if err != nil {
		return err
	}
	if err := x.learn(table); err != nil {
		return err
	}
	for {
		f, err := x.wire.get()
		if err != nil {
			x.end()
			return nil
		}
		switch f.kind {
		case frameStart:
			x.start(f)
		case frameSignal:
			x.signal(f)
		}
		closeAll(f.files)
	}
}

// helpful is a helper's own side.
type helpful struct {
	wire     *wire
	programs []allowed

	mu      sync.Mutex
	running map[uint32]*os.Process
}

// allowed is a program that may be started.
type allowed struct {
	path, name string
	filters    *Filters // nil: none
}

// learn takes the programs, from the first frame and none after it.
func (x *helpful) learn(f *frame) error {
	if f.kind != framePrograms {
		return errFrame
	}
	for text := f.text; len(text) > 0; {
		n, err := strconv.Atoi(text[0])
		if err != nil || n < 0 || len(text) < 3+n {
			return errFrame
		}
		a := allowed{path: text[1], name: text[2]}
		if n > 0 {
			filters, rest, err := decode(text[3 : 3+n])
			if err != nil || len(rest) > 0 {
				return errFrame
			}
			a.filters = filters
			a.filters.death = syscall.SIGKILL
		}
		x.programs = append(x.programs, a)
		text = text[3+n:]
	}
	return nil
}

// start starts a program and says so, or why not.
func (x *helpful) start(f *frame) {
	cmd, given, err := x.command(f)
	said := &frame{kind: frameFailed, id: f.id}
	var output *os.File
	if err == nil && f.text[1][1] == 'o' {
		var w *os.File
		if output, w, err = os.Pipe(); err == nil {
			cmd.Stdout, given = w, append(given, w)
			said.files = []int{int(output.Fd())}
			defer output.Close()
		}
	}
	if err == nil {
		err = cmd.Start()
	}
	for _, file := range given {
		file.Close()
	}
	if err != nil {
		said.text, said.files = []string{err.Error()}, nil
		x.wire.put(said)
		return
	}
	x.mu.Lock()
	x.running[f.id] = cmd.Process
	x.mu.Unlock()
	said.kind, said.text = frameStarted, []string{strconv.Itoa(cmd.Process.Pid)}
	x.wire.put(said)
	go func() {
		cmd.Wait()
		x.mu.Lock()
		delete(x.running, f.id)
		x.mu.Unlock()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		x.wire.put(&frame{kind: frameEnded, id: f.id, text: []string{strconv.Itoa(int(status))}})
	}()
}

// command makes the command that a frame asks for. given are the files that came with it, to be closed.
func (x *helpful) command(f *frame) (cmd *exec.Cmd, given []*os.File, err error) {
	if len(f.text) < 2 || len(f.text[1]) != 3 {
		return nil, nil, errFrame
	}
	n, err := strconv.Atoi(f.text[0])
	if err != nil || n < 0 || n >= len(x.programs) {
		return nil, nil, errFrame
	}
	a := &x.programs[n]
	if a.filters != nil {
		cmd = a.filters.Command(a.path, f.text[2:]...)
		cmd.Args[len(cmd.Args)-len(f.text[2:])-1] = a.name
	} else {
		cmd = exec.Command(a.path, f.text[2:]...)
		cmd.Args[0] = a.name
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	for _, fd := range f.files {
		given = append(given, os.NewFile(uintptr(fd), "given"))
	}
	f.files = nil
	rest := given
	for i, std := range []func(*os.File){
		func(f *os.File) { cmd.Stdin = f }, func(f *os.File) { cmd.Stdout = f }, func(f *os.File) { cmd.Stderr = f },
	} {
		if f.text[1][i] == 'f' {
			if len(rest) == 0 {
				return nil, given, errFrame
			}
			std(rest[0])
			rest = rest[1:]
		}
	}
	cmd.ExtraFiles = rest
	return cmd, given, nil
}

// signal sends a signal to a program that runs.
func (x *helpful) signal(f *frame) {
	if len(f.text) != 1 {
		return
	}
	n, err := strconv.Atoi(f.text[0])
	x.mu.Lock()
	p := x.running[f.id]
	x.mu.Unlock()
	if p != nil && err == nil {
		p.Signal(syscall.Signal(n))
	}
}

// end ends what runs.
func (x *helpful) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.running {
		p.Kill()
	}
}
