//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// play does what the programs do that tests start, as far as they need it.
func play(name string, args []string) int {
	var err error
	switch {
	case name == "true":
	case name == "false":
		return 1
	case name == "sleep" && len(args) == 1:
		var seconds float64
		if seconds, err = strconv.ParseFloat(args[0], 64); err == nil {
			time.Sleep(time.Duration(seconds * float64(time.Second)))
		}
	case name == "cat" && len(args) == 0:
		_, err = io.Copy(os.Stdout, os.Stdin)
	case name == "cat":
		for _, path := range args {
			var b []byte
			if b, err = os.ReadFile(path); err != nil {
				break
			}
			os.Stdout.Write(b)
		}
	case name == "grep" && len(args) == 2: // for a fixed word
		var b []byte
		if b, err = os.ReadFile(args[1]); err == nil {
			err = fmt.Errorf("no line with %s", args[0])
			for _, line := range strings.SplitAfter(string(b), "\n") {
				if strings.Contains(line, args[0]) {
					os.Stdout.WriteString(line)
					err = nil
				}
			}
		}
	case name == "go" && len(args) > 0 && args[0] == "build":
		err = handOut(args[1:])
	default:
		err = fmt.Errorf("%q: this machine has no such program", args)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

// handOut is `go build -o FILE PACKAGE`, for programs that were built before: they lie in /built, by the names of their
// directories in the module, which is at /src.
func handOut(args []string) error {
	at := slices.Index(args, "-o")
	if at < 0 || at+2 > len(args)-1 {
		return fmt.Errorf("go build %q: it must have -o FILE PACKAGE", args)
	}
	if os.Getenv("CGO_ENABLED") == "1" {
		return fmt.Errorf("there is no C compiler")
	}
	dir, err := filepath.Abs(args[len(args)-1])
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(strings.TrimPrefix(dir, "/src/"), "/", "-")
	b, err := os.ReadFile(filepath.Join("/built", name))
	if err != nil {
		return fmt.Errorf("%s was not built for this machine: %w", dir, err)
	}
	return os.WriteFile(args[at+1], b, 0o755)
}
