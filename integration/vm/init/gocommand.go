//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// goCommand is `go build -o FILE PACKAGE`, for programs that were built before: they lie in /built, by the names of
// their directories in the module, which is at /src. For a pattern, DIR/..., FILE is a directory, which gets what there is.
func goCommand(args []string) error {
	at := slices.Index(args, "-o")
	if len(args) == 0 || args[0] != "build" || at < 0 || at+2 > len(args)-1 {
		return fmt.Errorf("go %q: this machine knows only go build -o FILE PACKAGE", args)
	}
	if os.Getenv("CGO_ENABLED") == "1" {
		return fmt.Errorf("there is no C compiler")
	}
	dir, err := filepath.Abs(args[len(args)-1])
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(strings.TrimPrefix(dir, "/src/"), "/", "-")
	if prefix, many := strings.CutSuffix(name, "..."); many {
		return handOut(prefix, args[at+1])
	}
	b, err := os.ReadFile(filepath.Join("/built", name))
	if err != nil {
		return fmt.Errorf("%s was not built for this machine: %w", dir, err)
	}
	return os.WriteFile(args[at+1], b, 0o755)
}

// handOut copies the programs whose names begin so into a directory, by the rest of their names.
func handOut(prefix, dir string) error {
	files, err := filepath.Glob("/built/" + prefix + "*")
	if err != nil {
		return err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		at := filepath.Join(dir, strings.TrimPrefix(filepath.Base(file), prefix))
		if err := os.WriteFile(at, b, 0o755); err != nil {
			return err
		}
	}
	return nil
}
