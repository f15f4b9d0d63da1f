package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLink: a program that uses Native carries the tables of one architecture, they are small, and they are data: no
// work before main.
func TestLink(t *testing.T) {
	for _, goarch := range []string{"amd64", "arm64", "386", "mips64le"} {
		t.Run(goarch, func(t *testing.T) {
			exe, bare := built(t, goarch, "importer"), built(t, goarch, "bare")
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
			if got := size(t, exe) - size(t, bare); got > 150_000 {
				t.Errorf("the package adds %d bytes to a program", got)
			} else {
				t.Logf("the package adds %d bytes to a program", got)
			}
		})
	}
}

// built builds a program of testdata for an architecture.
func built(t *testing.T, goarch, program string) (exe string) {
	t.Helper()
	exe = filepath.Join(t.TempDir(), program)
	build := exec.Command("go", "build", "-o", exe, "./testdata/"+program)
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return exe
}

func size(t *testing.T, exe string) int64 {
	t.Helper()
	info, err := os.Stat(exe)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
