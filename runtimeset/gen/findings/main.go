// Findings writes runtimeset/findings: which system calls each Go release makes, read from its source. Run it in the
// module's root:
//
//	go run ./runtimeset/gen/findings            # all releases that are kept, from the toolchains they were read from
//	go run ./runtimeset/gen/findings 1.26.11    # this one, in place of the one of its minor release
//
// It works offline: the toolchains have to be here, as the installed one or in the module cache. A release that is newer
// than the one that this is built by may say things that only its own packages can read: it is read by itself.
package main

import (
	"fmt"
	goversion "go/version"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/stagelock/seccomp/runtimeset/internal/derive"
)

const dir = "runtimeset/findings"

func main() {
	log.SetFlags(0)
	versions := os.Args[1:]
	if len(versions) == 0 {
		var err error
		if versions, err = kept(); err != nil {
			log.Fatal(err)
		}
	}
	for _, v := range versions {
		if err := write(v); err != nil {
			log.Fatal(err)
		}
	}
}

// kept returns the releases that the files were read from.
func kept() (versions []string, err error) {
	files, err := filepath.Glob(dir + "/go*.txt")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no files in %s: is this the module's root?", dir)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		x, err := derive.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		versions = append(versions, x.Version)
	}
	return versions, nil
}

// write reads a release and keeps what is found.
func write(version string) error {
	parts := strings.Split(version, ".")
	if len(parts) != 3 || parts[0] != "1" {
		return fmt.Errorf("%s is no release: say it as in 1.26.8", version)
	}
	if goversion.Compare("go"+version, runtime.Version()) > 0 {
		cmd := exec.Command("go", "run", "./runtimeset/gen/findings", version)
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go"+version)
		cmd.Stderr = os.Stderr
		return cmd.Run()
	}
	t, err := derive.Find(version)
	if err != nil {
		return err
	}
	x, err := t.Derive(derive.Arches...)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go1."+parts[1]+".txt"), x.Text(), 0o644)
}
