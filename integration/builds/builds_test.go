//go:build linux

package builds

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/runtimeset"
)

// lackOfC is nil where there is a C compiler, for programs with cgo.
func lackOfC() error {
	out, err := exec.Command("go", "env", "CC").Output()
	if err == nil {
		_, err = exec.LookPath(strings.Fields(string(out))[0])
	}
	return err
}

// runs builds a program, runs it and returns its report.
func runs(t *testing.T, program, cgo string, flags ...string) Report {
	t.Helper()
	if cgo == "1" {
		if err := lackOfC(); err != nil {
			t.Skipf("a program with cgo needs a C compiler: %v", err)
		}
	}
	exe := filepath.Join(t.TempDir(), program)
	build := exec.Command("go", slices.Concat([]string{"build", "-o", exe}, flags, []string{"./testdata/" + program})...)
	build.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(exe)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var r Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !slices.Equal(r.Noted, r.Logged) {
		t.Errorf("the receipt notes %q, the log %q", r.Noted, r.Logged)
	}
	return r
}

// TestCgoIsSeen: cgo is what the program really has, and not what it might have had.
func TestCgoIsSeen(t *testing.T) {
	for _, tt := range []struct {
		name, program, cgo string
		want               bool
	}{
		{"nothing of C, where cgo is off", "pure", "0", false},
		{"nothing of C, where cgo is on", "pure", "1", false},
		{"net, where cgo is off", "net", "0", false},
		{"net, where cgo is on", "net", "1", true},
		{"C of its own", "own", "1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := runs(t, tt.program, tt.cgo)
			if r.Build.Cgo != tt.want {
				t.Errorf("cgo: %t, want %t", r.Build.Cgo, tt.want)
			}
			if note := r.Build.Note(); note != "" {
				t.Errorf("note: %s", note)
			}
		})
	}
}

// TestNoBuildInfo: a program that doesn't say how it was built gets the widest sets, and says so.
func TestNoBuildInfo(t *testing.T) {
	r := runs(t, "pure", "0", "-ldflags=-X runtime.modinfo=none")
	if !r.Build.Cgo || "go"+r.Build.Go != strings.Fields(runtime.Version())[0] {
		t.Errorf("%+v", r.Build)
	}
	if !noted(r, "no build information") {
		t.Errorf("noted: %q", r.Noted)
	}
}

// TestNewerGo: a program of a Go release that came after the tables gets the newest sets, and says so.
func TestNewerGo(t *testing.T) {
	r := runs(t, "pure", "0", "-ldflags=-X runtime.buildVersion=go1.99.3")
	if r.Build.Go != "1.99.3" || !noted(r, "go1.99.3 is newer than this library: the sets of go"+runtimeset.Newest+" are used") {
		t.Errorf("%+v, noted: %q", r.Build, r.Noted)
	}
}

func noted(r Report, what string) bool {
	return slices.ContainsFunc(r.Noted, func(n string) bool { return strings.Contains(n, what) })
}
