package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// host is the suite of a machine that is none: the tests run on this machine's own kernel, which on amd64 runs 386
// programs too.
const host = "host"

// native runs the programs here, and says what a machine's console would.
func (b *builder) native(m machine, programs []program, w io.Writer) error {
	if runtime.GOARCH != m.arch && !(runtime.GOARCH == "amd64" && m.arch == "386") {
		return fmt.Errorf("%s programs don't run on %s", m.arch, runtime.GOARCH)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "VM-START %s %s\nVM-LACKS (not asked)\n", strings.TrimSpace(string(release)), m.arch)
	for _, p := range programs {
		fmt.Fprintf(w, "\nVM-RUN %s\n", p.Name)
		start := time.Now()
		cmd := exec.Command(p.File, p.Args...)
		cmd.Dir = filepath.Join(b.module, strings.TrimPrefix(p.Dir, "/src/"))
		// What the tests build is for the same architecture.
		cmd.Env = append(append(os.Environ(), "GOARCH="+m.arch, "CGO_ENABLED=0"), p.Env...)
		cmd.Stdout, cmd.Stderr = w, w
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return err
		}
		fmt.Fprintf(w, "\nVM-EXIT %s %d %d\n", p.Name, cmd.ProcessState.ExitCode(), time.Since(start).Milliseconds())
	}
	fmt.Fprintln(w, "VM-END")
	return nil
}
