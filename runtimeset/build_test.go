package runtimeset

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/rule"
)

func TestTags(t *testing.T) {
	tests := []struct {
		build Build
		yes   string
		no    string
	}{
		{Build{Arch: "amd64"}, "amd64 go1.21 go1.27 updatemaxprocs containermaxprocs decoratemappings", "arm64 cgo race go1.28"},
		{Build{Arch: "arm64", Go: "1.24.6", Cgo: true}, "arm64 go1.24 cgo", "go1.25 updatemaxprocs"},
		{Build{Go: "1.26.8", GoLine: "1.23.0"}, "go1.26", "updatemaxprocs decoratemappings"},
		{Build{Go: "1.26.8", GoLine: "1.25"}, "go1.26 updatemaxprocs", ""},
		{Build{Go: "1.26.8", GoLine: "1.23.0", GODEBUG: "updatemaxprocs=1"}, "updatemaxprocs", "containermaxprocs"},
		{Build{Go: "1.26", GODEBUG: "containermaxprocs=0,panicnil=1"}, "updatemaxprocs", "containermaxprocs panicnil"},
		{Build{Go: "1.26", GODEBUG: "containermaxprocs=0,containermaxprocs=1"}, "containermaxprocs", ""},
		{Build{Go: "1.24", GODEBUG: "updatemaxprocs=1"}, "", "updatemaxprocs"},
		{Build{Go: "unheard-of"}, "go1.27", "go1.28"},
		{Build{Go: "1.27rc1"}, "go1.26 go1.27", "go1.28"},
		{Build{Race: true}, "race", "cgo"},
	}
	for _, tt := range tests {
		for _, tag := range strings.Fields(tt.yes) {
			if !tt.build.has(tag) {
				t.Errorf("%+v: %s is false", tt.build, tag)
			}
		}
		for _, tag := range strings.Fields(tt.no) {
			if tt.build.has(tag) {
				t.Errorf("%+v: %s is true", tt.build, tag)
			}
		}
	}
}

func TestNote(t *testing.T) {
	for v, want := range map[string]string{"1.20.3": "older", "1.21": "", "1.27.99": "", "1.28rc1": "newer", "1.30.1": "newer", "": "unknown", "x": "unknown"} {
		if got := (Build{Go: v}).Note(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("go %q: note %q, want one with %q", v, got, want)
		}
	}
}

func TestNotesAddUp(t *testing.T) {
	b := Build{Go: "1.30", Guessed: true, Sanitizer: "-asan"}
	for _, want := range []string{"newer", "no build information", "-asan"} {
		if !strings.Contains(b.Note(), want) {
			t.Errorf("%q says nothing of %s", b.Note(), want)
		}
	}
}

func TestRunningIsCareful(t *testing.T) {
	if b := running(nil, false, "updatemaxprocs=0"); !b.Cgo || !b.Guessed || b.Arch != runtime.GOARCH || b.Go == "" || b.has("updatemaxprocs") {
		t.Errorf("without build information: %+v", b)
	}
	could := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{{Key: "CGO_ENABLED", Value: "1"}, {Key: "-msan", Value: "true"}}}
	if b := running(could, false, ""); b.Cgo != raced || b.Guessed || b.Sanitizer != "-msan" {
		t.Errorf("cgo was on and is not linked: %+v", b)
	}
	could.Settings[0].Value = "0" // as with libraries that bring a runtime/cgo of their own
	if b := running(could, true, ""); !b.Cgo {
		t.Errorf("C was called: %+v", b)
	}
}

func TestFromBuildInfo(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8 X:nosizespecializedmalloc", Settings: []debug.BuildSetting{
		{Key: "-race", Value: "true"},
		{Key: "CGO_ENABLED", Value: "1"},
		{Key: "DefaultGODEBUG", Value: "containermaxprocs=0,updatemaxprocs=0"},
		{Key: "GOARCH", Value: "arm64"},
	}}
	want := Build{Arch: "arm64", Go: "1.26.8", GODEBUG: "containermaxprocs=0,updatemaxprocs=0", Cgo: true, Race: true}
	if got := FromBuildInfo(info); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	info = &debug.BuildInfo{GoVersion: "devel go1.27-0f3a9b Mon Nov 2"}
	if got := FromBuildInfo(info).Go; got != "1.27" {
		t.Errorf("a development release is %q, want 1.27", got)
	}
}

func TestRunning(t *testing.T) {
	t.Setenv("GODEBUG", "updatemaxprocs=1")
	b := Running()
	if b.Arch != runtime.GOARCH || "go"+b.Go != strings.Fields(runtime.Version())[0] {
		t.Errorf("got %+v", b)
	}
	if !b.has("updatemaxprocs") {
		t.Errorf("the environment's GODEBUG does not count: %+v", b)
	}
}

// calls returns the calls of the rules of a set.
func calls(f *rule.File) []string {
	var list []string
	for _, x := range f.Stmts {
		if r, ok := x.(*rule.Rule); ok {
			list = append(list, r.Call.Name)
		}
	}
	return list
}

func TestParagraphsAreChosen(t *testing.T) {
	tests := []struct {
		build Build
		has   string
		lacks string
	}{
		{Build{Arch: "amd64"}, "clone mmap rt_sigprocmask sched_getaffinity pread64 exit_group", "mprotect rseq brk"},
		{Build{Arch: "amd64", Cgo: true}, "clone mmap rt_sigprocmask mprotect rseq brk exit_group", ""},
		{Build{Arch: "arm64", Go: "1.24"}, "clone mmap exit_group", "sched_getaffinity pread64 mprotect"},
		{Build{Arch: "arm64", GODEBUG: "containermaxprocs=0"}, "clone sched_getaffinity", "pread64"},
	}
	for _, tt := range tests {
		f, ok := textsFor(tt.build).Text("go")
		if !ok {
			t.Fatal("no set go")
		}
		got := calls(f)
		for _, c := range strings.Fields(tt.has) {
			if !slices.Contains(got, c) {
				t.Errorf("%+v: go lacks %s", tt.build, c)
			}
		}
		for _, c := range strings.Fields(tt.lacks) {
			if slices.Contains(got, c) {
				t.Errorf("%+v: go has %s", tt.build, c)
			}
		}
	}
	clones := 0
	f, _ := textsFor(Build{Arch: "arm64"}).Text("go")
	for _, c := range calls(f) {
		if c == "clone" {
			clones++
		}
	}
	if clones != 1 {
		t.Errorf("pure Go on arm64 has %d shapes of clone, want 1", clones)
	}
}

func TestSetsAreNamed(t *testing.T) {
	s := textsFor(Build{Arch: "amd64"})
	names := s.Names()
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %v", names)
	}
	for _, n := range strings.Fields("go lock file file.read file.write file.io net.dial net.conn net.listen net.accept " +
		"net.client net.server dns exec exec.start exec.wait exec.static exec.dynamic signal user time profile") {
		if !slices.Contains(names, n) {
			t.Errorf("no set %s", n)
		}
	}
	for _, n := range names {
		if f, ok := s.Text(n); !ok || len(f.Stmts) == 0 {
			t.Errorf("set %s: %v, %v", n, f, ok)
		}
	}
	for _, n := range []string{"fallbacks", "default", "", "nope", "../sets", "go.policy"} {
		if _, ok := s.Text(n); ok {
			t.Errorf("there is a set %q", n)
		}
	}
	if len(s.FallbackText().Stmts) == 0 {
		t.Error("no fallbacks")
	}
	if name, text := Default(); name != "default.policy" || !strings.Contains(text, "stage serve") {
		t.Errorf("default: %s\n%s", name, text)
	}
}
