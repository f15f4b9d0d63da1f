package derive

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Arches are the GOARCHes that a release is read for: those that Go supports in the first rank on Linux.
var Arches = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}

// A Toolchain is a Go release whose source is on this machine.
type Toolchain struct {
	Root    string // its GOROOT
	Version string // as in 1.26.8
}

// Installed returns the toolchain of the go command that is used here.
func Installed() (Toolchain, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return Toolchain{}, fmt.Errorf("where the installed Go is: %w", err)
	}
	return At(strings.TrimSpace(string(out)))
}

// At returns the toolchain in a GOROOT.
func At(root string) (Toolchain, error) {
	text, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return Toolchain{}, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	v, ok := strings.CutPrefix(strings.TrimSpace(first), "go")
	if !ok {
		return Toolchain{}, fmt.Errorf("%s/VERSION says %q: a release is wanted, as in go1.26.8", root, first)
	}
	return Toolchain{Root: root, Version: v}, nil
}

// Find returns the toolchain of a release: the installed one if it is that, or the one in the module cache, where
// `go mod download golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64` puts it.
func Find(version string) (Toolchain, error) {
	if t, err := Installed(); err == nil && t.Version == version {
		return t, nil
	}
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return Toolchain{}, fmt.Errorf("where the module cache is: %w", err)
	}
	module := "golang.org/toolchain@v0.0.1-go" + version + ".linux-amd64" // the source in it is that of all architectures
	t, err := At(filepath.Join(strings.TrimSpace(string(out)), filepath.FromSlash(module)))
	if err != nil {
		return Toolchain{}, fmt.Errorf("go%s is not here (go mod download %s fetches it): %w", version, module, err)
	}
	return t, nil
}
