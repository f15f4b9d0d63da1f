package launch

import (
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// ErrHelper: the helper has ended, or was never started.
const ErrHelper = class("there is no helper that could start programs")

// helping is the name by which a program is called to become a helper: see Main.
const helping = "stagelock-helper"

// A Helper is a small process that starts programs for this one, which may not do so itself any more, or only under
// filters that leave them too little. It is made before the first lock, and has no filter:
//
//	helper := launch.NewHelper()
//	convert := helper.Allow(filters, "/usr/bin/convert")
//	err := helper.Start()
//	…
//	seccomp.Stage("serve").MustLock()
//	…
//	out, err := convert.Command("in.png", "-").Output()
//
// It starts the programs that were named before it was started, each under its own filters, and no others: whoever takes
// over this process can have it start those, with arguments and descriptors of his choice, and nothing else. That is, if the
// stage leaves no way into another process's memory: ptrace, process_vm_writev, and opening files to write, /proc/PID/mem
// among them. The environment and the working directory are those that this process had when it started the helper.
//
// The helper is started from /proc/self/exe: the program's main begins with Main. It ends with this process, whatever
// that ends of, and the programs that it has started with it, by SIGKILL; what those have started in turn is theirs. This
// process needs sendmsg and recvmsg, which are in the set net.conn, beside file.io.
//
// Its methods may be called from several goroutines, Allow and Start from one.
type Helper struct {
	programs []*Program
	wire     *wire

	mu   sync.Mutex
	last uint32          // the id of the last command
	cmds map[uint32]*Cmd // that have not ended
	err  error           // why there is no helper any more
	done chan struct{}   // closed when the helper has ended
}

// NewHelper returns a helper that was not started yet.
func NewHelper() *Helper { return &Helper{err: ErrHelper} }

// A Program is one that a Helper may start.
type Program struct {
	helper  *Helper
	number  int
	path    string
	filters *Filters
}

// Allow has the helper start a program under filters, nil being none. A name without a slash is looked for when the
// helper starts. It is for before Start.
func (h *Helper) Allow(f *Filters, name string) *Program {
	p := &Program{helper: h, number: len(h.programs), path: name, filters: f}
	h.programs = append(h.programs, p)
	return p
}

// A Cmd is a program that is to be started by a Helper. It is used once. Files that are nil are /dev/null.
type Cmd struct {
	Args                  []string // without the program's name
	Stdin, Stdout, Stderr *os.File
	ExtraFiles            []*os.File // from descriptor 3 on
	Pid                   int        // once it is started

	program *Program
	id      uint32
	output  bool     // the helper makes a pipe for the output
	pipe    *os.File // its end
	started chan error
	ended   chan syscall.WaitStatus
}

// Command returns the command that runs the program with arguments.
func (p *Program) Command(arg ...string) *Cmd { return &Cmd{Args: arg, program: p} }

// Run starts the program and waits for its end. The error is Start's or Wait's.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the program and returns what it has written to its standard output. The pipe is made by the helper.
func (c *Cmd) Output() ([]byte, error) {
	c.output = true
	if err := c.Start(); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(c.pipe)
	c.pipe.Close()
	if end := c.Wait(); end != nil {
		err = end
	}
	return out, err
}

// An ExitError is what Wait returns of a program that did not end with exit code 0.
type ExitError struct {
	Status syscall.WaitStatus
}

func (e *ExitError) Error() string {
	if e.Status.Signaled() {
		return "signal: " + e.Status.Signal().String()
	}
	return "exit status " + strconv.Itoa(e.Status.ExitStatus())
}
