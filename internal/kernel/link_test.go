package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const importer = `package main

import (
	"os"

	"github.com/stagelock/seccomp/internal/kernel"
)

func main() {
	a := kernel.Native()
	c, _ := a.Call(os.Args[1])
	v, _ := a.Const("E" + os.Args[1])
	if !kernel.KnownCall(os.Args[1]) {
		println(c.Nr, v, len(c.Args()), a.Weight(c.Nr))
	}
}
`

// TestLink: a program that uses Native carries the tables of one architecture, they are small, and they are data: no
// work before main.
func TestLink(t *testing.T) {
	dir, err := os.MkdirTemp(".", "testdata-") // within the module, to reach an internal package
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(importer), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, goarch := range []string{"amd64", "arm64", "386", "mips64le"} {
		t.Run(goarch, func(t *testing.T) {
			exe := filepath.Join(t.TempDir(), "importer")
			build := exec.Command("go", "build", "-o", exe, "./"+dir)
			build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			out, err := exec.Command("go", "tool", "nm", exe).Output()
			if err != nil {
				t.Fatal(err)
			}
			var linked []string
			for _, line := range strings.Split(string(out), "\n") {
				_, symbol, ok := strings.Cut(line, "/internal/kernel.")
				if !ok {
					continue
				}
				if symbol == "init" || strings.HasPrefix(symbol, "init.") || strings.HasPrefix(symbol, "map.init") {
					t.Errorf("%s: work at start", symbol)
				}
				if _, ok := ByName(strings.Replace(symbol, "i386", "386", 1)); ok || symbol == "arches" {
					linked = append(linked, symbol)
				}
			}
			if len(linked) != 1 || strings.Replace(linked[0], "i386", "386", 1) != goarch {
				t.Errorf("the tables of %v are linked", linked)
			}
			if goarch == runtime.GOARCH {
				trace := exec.Command(exe, "read")
				trace.Env = append(os.Environ(), "GODEBUG=inittrace=1")
				out, err := trace.CombinedOutput()
				if err != nil || !strings.Contains(string(out), "init runtime @") || strings.Contains(string(out), "internal/kernel @") {
					t.Errorf("inittrace: %v\n%s", err, out)
				}
			}
			if got := weigh(t, goarch, exe, dir); got > 150_000 {
				t.Errorf("the package adds %d bytes to a program", got)
			} else {
				t.Logf("the package adds %d bytes to a program", got)
			}
		})
	}
}

// weigh returns by how much exe is larger than a program without the package.
func weigh(t *testing.T, goarch, exe, dir string) int64 {
	t.Helper()
	bare := filepath.Join(dir, "bare.go")
	const text = "package main\nimport (\"os\"; \"slices\"; \"strconv\"; \"strings\")\nfunc main() { n, _ := strconv.ParseInt(os.Args[1], 0, 64); println(n, slices.Index(os.Args, strings.ToLower(os.Args[1]))) }\n"
	if err := os.WriteFile(bare, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(bare)
	out := filepath.Join(t.TempDir(), "bare")
	build := exec.Command("go", "build", "-o", out, bare)
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	with, err := os.Stat(exe)
	if err != nil {
		t.Fatal(err)
	}
	without, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return with.Size() - without.Size()
}
