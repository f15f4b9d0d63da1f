package derive

import (
	"flag"
	"fmt"
	"go/version"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var all = flag.Bool("all", false, "read all releases that are here, for all architectures")

// installed returns the toolchain in use, and skips where it has no source.
func installed(t *testing.T) Toolchain {
	t.Helper()
	tool, err := Installed()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool.Root + "/src/runtime/os_linux.go"); err != nil {
		t.Skipf("the installed Go came without its source: %v", err)
	}
	return tool
}

// pinned returns what is kept of a release's minor release.
func pinned(t *testing.T, version string) (*Findings, bool) {
	t.Helper()
	minor := strings.Join(strings.Split(version, ".")[:2], ".")
	text, err := os.ReadFile("../../findings/go" + minor + ".txt")
	if os.IsNotExist(err) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	x, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return x, true
}

// TestInstalledGo: what is kept of the installed release is what its source says. If it is another patch release than
// the one that was read, and makes other calls, this says so.
func TestInstalledGo(t *testing.T) {
	tools := []Toolchain{installed(t)}
	arches := []string{"386"} // one with names of its own
	if slices.Contains(Arches, runtime.GOARCH) && runtime.GOARCH != "386" {
		arches = append(arches, runtime.GOARCH)
	}
	if *all {
		arches = Arches
		for _, minor := range []string{"1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"} {
			x, _ := pinned(t, minor)
			if version.Compare("go"+x.Version, runtime.Version()) > 0 {
				t.Logf("go%s is read by that release or a later one alone, and this is %s", x.Version, runtime.Version())
				continue
			}
			if tool, err := Find(x.Version); err == nil && !slices.Contains(tools, tool) {
				tools = append(tools, tool)
			}
		}
	}
	for _, tool := range tools {
		want, ok := pinned(t, tool.Version)
		if !ok {
			t.Skipf("go%s is newer than what is kept: go run ./runtimeset/gen/findings %[1]s reads it", tool.Version)
		}
		got, err := tool.Derive(arches...)
		if err != nil {
			t.Fatal(err)
		}
		kept := want.Version
		want.Version = got.Version // alone is no difference
		if diff := cmp.Diff(lines(want.On(arches...)), lines(got)); diff != "" {
			t.Errorf("go%s makes other calls than what is kept of go%s (-kept +read; go run ./runtimeset/gen/findings %[1]s "+
				"writes it):\n%[3]s", tool.Version, kept, diff)
		}
	}
}

// lines returns each finding on a line of its own, with the call that it is of.
func lines(x *Findings) (list []string) {
	for _, f := range x.List {
		list = append(list, fmt.Sprintf("%s at %s: %s %s (%s) %v", f.Call, f.Stub, f.Phase, f.Where, f.How, f.Arches))
	}
	return list
}

// TestTextIsRead: what is written is read again as it was.
func TestTextIsRead(t *testing.T) {
	x := &Findings{Version: "1.99.1", List: []Finding{
		{"clone", "runtime/sys_linux_*.s:clone", Always, "runtime/os_linux.go:newosproc", "clone(cloneFlags, stk)", Arches},
		{"clone", "runtime/sys_linux_*.s:clone", Start, "runtime/os_linux.go:newosproc0", "", []string{"386", "s390x"}},
		{"mmap2", "runtime/sys_linux_*.s:mmap", Always, "runtime/mem_linux.go:sysAllocOS", "mmap(nil, n, a[0])", []string{"386", "arm"}},
		{"stat", "syscall/z.go:Stat", Asked, "os/stat_unix.go:statNolog", "Stat", []string{"mips64le", "ppc64le", "s390x"}},
		{"stat", "syscall/z.go:Stat", Asked, "os/stat_unix.go:x", "Stat", []string{"mips64le", "s390x"}},
		{"write", "s", Crash, "w", "", slices.DeleteFunc(slices.Clone(Arches), func(a string) bool { return a == "arm" })},
	}}
	got, err := Parse(x.Text())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, got); diff != "" {
		t.Errorf("%s\n%s", diff, x.Text())
	}
	for _, bad := range []string{"", "# The system calls that go1.1 makes\nread\n", "# The system calls that go1.1 makes\n    always x\n",
		"# The system calls that go1.1 makes\nread at x\n    sometimes y\n"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// TestExperiments: the tags by which files are chosen are those that the go command says.
func TestExperiments(t *testing.T) {
	tool := installed(t)
	tags, err := tool.experiments(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(tool.Version, "1.26.") {
		t.Skipf("what is on is known of go1.26, this is go%s", tool.Version)
	}
	for _, want := range []string{"goexperiment.greenteagc", "goexperiment.randomizedheapbase64", "goexperiment.dwarf5"} {
		if !slices.Contains(tags, want) {
			t.Errorf("%s is not among %v", want, tags)
		}
	}
	for arch, want := range map[string]bool{"amd64": true, "s390x": true, "386": false} {
		if tags, err := tool.experiments(arch); err != nil || slices.Contains(tags, "goexperiment.regabiargs") != want {
			t.Errorf("%s: regabi in %v: want %t, %v", arch, tags, want, err)
		}
	}
}
