// Vm boots real Debian kernels under QEMU, of several releases and architectures, and runs this module's own tests
// inside: what they say of the running kernel is then said of that one.
//
//	go run ./integration/vm matrix [-fast] [-fetch] [-suite PACKAGE] [MACHINE…]
//	go run ./integration/vm fetch  [-fast] [MACHINE…]
//	go run ./integration/vm list
//	go build ./integration/vm && GOARCH=arm64 go test -exec "$PWD/vm exec arm64/bookworm" ./lock
//
// A MACHINE is an architecture and a suite of Debian's, such as arm64/bookworm, or an architecture. matrix prints a line
// for each, and ends with status 1 if any failed. Kernels are kept in the user's cache directory.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	s, err := openStore()
	if err == nil {
		switch command, args := os.Args[1], os.Args[2:]; command {
		case "matrix":
			err = matrix(s, args)
		case "fetch":
			err = fetch(s, args)
		case "exec":
			err = execute(s, args)
		case "list":
			for _, m := range machines {
				_, err := s.kernel(m)
				if m.suite == host {
					err = nil
				}
				fmt.Printf("%-26s %-9s fetched: %t\n", m.name(), map[bool]string{true: "fast"}[m.fast], err == nil)
			}
		default:
			usage()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: vm matrix [-fast] [-fetch] [-suite PACKAGE] [MACHINE…] | fetch [-fast] [MACHINE…] | exec MACHINE PROGRAM [ARG…] | list")
	os.Exit(2)
}

func fetch(s store, args []string) error {
	flags := flag.NewFlagSet("fetch", flag.ExitOnError)
	fast := flags.Bool("fast", false, "those of the fast part alone")
	limit := flags.Duration("limit", 10*time.Minute, "how long each may take")
	flags.Parse(args)
	wanted, err := find(flags.Args(), *fast)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range wanted {
		if m.suite == host {
			continue
		}
		if err := s.fetch(m, *limit); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name(), err))
			continue
		}
		file, err := s.kernel(m)
		if err != nil {
			return err
		}
		fmt.Printf("%-26s %s\n", m.name(), filepath.Base(file))
	}
	return errors.Join(errs...)
}

// execute is for `go test -exec`: it runs a test binary in a machine, in the directory that it would be run in.
func execute(s store, args []string) error {
	if len(args) < 2 {
		usage()
	}
	found, err := find(args[:1], false)
	if err != nil {
		return err
	}
	b, err := newBuilder()
	if err != nil {
		return err
	}
	defer b.close()
	g, err := b.guest(s, found[len(found)-1])
	if err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := filepath.Rel(b.module, here)
	if err != nil || strings.HasPrefix(dir, "..") {
		return fmt.Errorf("%s is not in the module", here)
	}
	p := program{Name: suite{pkg: filepath.ToSlash(dir)}.name(), File: args[1], Dir: "/src/" + filepath.ToSlash(dir), Args: args[2:], Seconds: 1800}
	var console strings.Builder
	_, err = g.boot([]program{p}, io.MultiWriter(&console, os.Stdout))
	if err != nil {
		return err
	}
	res, err := parse(strings.NewReader(console.String()))
	if err != nil {
		return err
	}
	run, ok := res.suites[p.Name]
	if !ok {
		return errors.New("the program did not end")
	}
	if run.exit != 0 {
		b.close()
		os.Exit(run.exit)
	}
	return nil
}

// A builder makes programs for machines, in a directory that goes away.
type builder struct{ dir, module string }

func newBuilder() (*builder, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/stagelock/seccomp").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	dir, err := os.MkdirTemp("", "vm-built-")
	return &builder{dir, strings.TrimSpace(string(out))}, err
}

func (b *builder) close() { os.RemoveAll(b.dir) }

// test builds the test binary of a suite. A machine has no libraries, so that with cgo it has to bring its own.
func (b *builder) test(arch string, s suite, at string) error {
	args := []string{"test", "-c", "-vet=off", "-o", at}
	if !s.cgo {
		return b.goTool(arch, append(args, "-ldflags=-s -w", "./"+s.pkg)...)
	}
	return b.goCommand(arch, "1", append(args, "-tags=netgo,osusergo", "-ldflags=-s -w -linkmode external -extldflags -static", "./"+s.pkg)...)
}

// goTool runs the go command for an architecture, without cgo.
func (b *builder) goTool(arch string, args ...string) error { return b.goCommand(arch, "0", args...) }

func (b *builder) goCommand(arch, cgo string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED="+cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// guest makes a machine ready to be booted.
func (b *builder) guest(s store, m machine) (guest, error) {
	kernel, err := s.kernel(m)
	if err != nil {
		return guest{}, err
	}
	h := hardwares[m.arch]
	if _, err := exec.LookPath(h.program); err != nil {
		return guest{}, fmt.Errorf("%w: it is in Debian's package %s", err, h.from)
	}
	if runtime.GOOS != "linux" {
		return guest{}, errors.New("the kernels are made ready with Debian's tools, on Linux")
	}
	init := filepath.Join(b.dir, m.arch, "init")
	if err := b.goTool(m.arch, "build", "-trimpath", "-ldflags=-s -w", "-o", init, "./integration/vm/init"); err != nil {
		return guest{}, err
	}
	return guest{machine: m, kernel: kernel, busybox: s.busybox(m), init: init, module: b.module}, nil
}
