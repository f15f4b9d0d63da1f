package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// A program is what a machine is to run: see init/main.go, which reads it.
type program struct {
	Name    string // without spaces
	File    string `json:"-"` // on this machine
	Dir     string
	Args    []string // the first is set by boot
	Env     []string
	Seconds int // after which it is ended
}

// A guest is a machine with what it needs to run programs.
type guest struct {
	machine
	kernel  string
	busybox string
	init    string   // the program of ./init, built for the machine
	built   []string // programs that its go command hands out, named by their directories
	module  string   // the directory of this module, which programs find at /src
}

// bootLimit is how long a machine may take until its first process says something: seconds, but under load a
// multiple of that.
const bootLimit = 3 * time.Minute

// boot starts the machine, has it run the programs, and copies what it says on its console to w. A machine that never
// came up is started once more, and retried tells so.
func (g guest) boot(programs []program, w io.Writer) (retried bool, err error) {
	dir, err := os.MkdirTemp("", "vm-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	initramfs := filepath.Join(dir, "initramfs")
	if err := g.pack(initramfs, programs); err != nil {
		return false, err
	}
	limit := bootLimit
	for _, p := range programs {
		limit += time.Duration(p.Seconds) * time.Second
	}
	started, err := g.qemu(initramfs, limit, w)
	if !started {
		fmt.Fprintf(w, "RETRY: %s never came up: %v\n", g.name(), err)
		retried = true
		started, err = g.qemu(initramfs, limit, w)
	}
	if !started && err == nil {
		err = errors.New("it never came up")
	}
	return retried, err
}

// pack makes the machine's initramfs.
func (g guest) pack(file string, programs []program) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, 1<<20)
	a := newArchive(buffered)
	init, err := os.ReadFile(g.init)
	if err != nil {
		return err
	}
	a.add("init", 0o755, init)
	busybox, err := os.ReadFile(g.busybox)
	if err != nil {
		return err
	}
	a.add("bin/busybox", 0o755, busybox)
	for _, name := range []string{"sh", "cat", "true", "false", "sleep", "grep", "echo", "id", "readlink", "kill", "env", "ls", "ps"} {
		a.link(path.Join("bin", name), "busybox")
	}
	a.link("bin/go", "/init")
	a.add("etc/passwd", 0o644, []byte("root:x:0:0:root:/tmp:/bin/true\nnobody:x:65534:65534:nobody:/tmp:/bin/true\n"))
	a.add("etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	a.add("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
	if err := a.tree(g.module, "src"); err != nil {
		return err
	}
	for _, file := range g.built {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		a.add(path.Join("built", filepath.Base(file)), 0o755, content)
	}
	var list strings.Builder
	for _, p := range programs {
		content, err := os.ReadFile(p.File)
		if err != nil {
			return err
		}
		at := "/programs.d/" + strings.ReplaceAll(p.Name, "/", "-")
		a.add(at, 0o755, content)
		p.Args = append([]string{at}, p.Args...)
		line, err := json.Marshal(p)
		if err != nil {
			return err
		}
		list.Write(append(line, '\n'))
	}
	a.add("programs", 0o644, []byte(list.String()))
	return errors.Join(a.close(), buffered.Flush())
}

// qemu runs the machine until it powers off. started tells whether its first process was heard of.
func (g guest) qemu(initramfs string, limit time.Duration, w io.Writer) (started bool, err error) {
	h := hardwares[g.arch]
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// KVM is not asked for: the machines are to be the same everywhere, and most are of another architecture.
	args := append([]string{"-accel", "tcg", "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-monitor", "none",
		"-serial", "stdio", "-no-reboot", "-kernel", g.kernel, "-initrd", initramfs,
		"-append", "console=" + h.console + " loglevel=3 panic=-1 nowatchdog " + h.tell}, h.flags...)
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Stderr = w
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	late := time.AfterFunc(bootLimit, func() { cmd.Process.Kill() })
	ended := false
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		line = strings.ReplaceAll(line, "\r", "")
		switch {
		case strings.HasPrefix(line, "VM-START "):
			started = true
			late.Stop()
		case line == "VM-END\n":
			ended = true
		}
		io.WriteString(w, line)
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	late.Stop()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("it had not ended after %v", limit)
	case started && !ended:
		err = fmt.Errorf("it ended in the middle: %v", err)
	case started:
		err = nil
	}
	return started, err
}
