package launch

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/stagelock/seccomp/internal/bpf"
)

// marker is the name by which a program is called to become another one: see Main.
const marker = "stagelock-launch"

// Command returns the command that starts a program under the filters. It is used like any other *exec.Cmd, with its
// own descriptors, directory, environment and attributes, and the program is the calling process's child.
//
// What is started is the calling program itself, from /proc/self/exe, which becomes the other one: its main must begin
// with Main. The child inherits the filters of the process that starts it too: one that needs more than a stage in
// force leaves has to be started before that stage. A failure that comes after the start is told on the child's
// stderr, with the exit codes of Exec.
//
// A program that could not be found is told by Start and Run, as with exec.Command.
func (f *Filters) Command(name string, arg ...string) *exec.Cmd {
	return f.CommandContext(context.Background(), name, arg...)
}

// CommandContext is Command with a context that ends the program, as exec.CommandContext has it.
func (f *Filters) CommandContext(ctx context.Context, name string, arg ...string) *exec.Cmd {
	path, err := LookPath(name)
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = append(f.encode([]string{marker}), path, name)
	cmd.Args = append(cmd.Args, arg...)
	if err != nil {
		cmd.Err = err
	}
	return cmd
}

// Main is the first thing in main of a program that uses Command or a Helper. In a process that was started to become
// another program, or a helper, it does that, and does not return; in any other it does nothing.
//
// A set-user-ID program never becomes another: who calls it says by what name.
func Main() {
	if len(os.Args) == 0 || os.Args[0] != marker && os.Args[0] != reporter && os.Args[0] != helping || os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return
	}
	if os.Args[0] == helping {
		if err := help(); err != nil {
			fmt.Fprintf(os.Stderr, "stagelock: helper: %v\n", err)
			os.Exit(ExitFailed)
		}
		os.Exit(0)
	}
	death := parentDeathSignal()
	var f *Filters
	var err error
	rest := os.Args[1:]
	if os.Args[0] == reporter && len(rest) > 0 {
		var socket int
		if socket, err = strconv.Atoi(rest[0]); err == nil {
			f, err = instructed(socket)
		}
		rest = rest[1:]
	} else {
		f, rest, err = decode(rest)
	}
	if err == nil && len(rest) < 2 {
		err = errors.New("no program is named")
	}
	if err == nil {
		if f.death == 0 {
			f.death = death
		}
		err = f.Exec(rest[0], rest[1:], os.Environ())
	}
	fmt.Fprintf(os.Stderr, "stagelock: %v\n", err)
	os.Exit(ExitCode(err))
}

// encode appends the filters as arguments: the place of the one with the listener, the signal for the parent's death, how
// many there are, and each. The largest takes 43 KB, and the kernel allows an argument 128 KB (execve(2)).
func (f *Filters) encode(args []string) []string {
	args = append(args, strconv.Itoa(f.gate), strconv.Itoa(int(f.death)), strconv.Itoa(len(f.programs)))
	for _, p := range f.programs {
		args = append(args, base64.StdEncoding.EncodeToString(bpf.Encode(nil, binary.LittleEndian, p)))
	}
	return args
}

// decode reads what encode wrote, and returns the arguments behind it.
func decode(args []string) (f *Filters, rest []string, err error) {
	bad := errors.New("the arguments are not those of a launch")
	const before = 3
	if len(args) < before {
		return nil, nil, bad
	}
	f = &Filters{}
	n, err1 := strconv.Atoi(args[2])
	death, err2 := strconv.Atoi(args[1])
	f.death = syscall.Signal(death)
	f.gate, err = strconv.Atoi(args[0])
	if err != nil || err1 != nil || err2 != nil || n < 1 || n > len(args)-before || f.gate < -1 || f.gate >= n {
		return nil, nil, bad
	}
	for _, text := range args[before : before+n] {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, nil, bad
		}
		p, err := bpf.Decode(raw, binary.LittleEndian)
		if err != nil || len(p) == 0 {
			return nil, nil, bad
		}
		f.programs = append(f.programs, p)
	}
	return f, args[before+n:], nil
}
