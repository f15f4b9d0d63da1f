package runtimeset

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset/internal/compiled"
	"github.com/stagelock/seccomp/stage"
)

// The tables of all GOARCHes, of which a program has its own.
var tables = map[string]string{
	"386": table386, "amd64": tableAMD64, "arm": tableARM, "arm64": tableARM64, "loong64": tableLoong64,
	"mips": tableMIPS, "mips64": tableMIPS64, "mips64le": tableMIPS64LE, "mipsle": tableMIPSLE,
	"ppc64": tablePPC64, "ppc64le": tablePPC64LE, "riscv64": tableRISCV64, "s390x": tableS390X,
}

// raceArches are the GOARCHes that have the race detector: internal/platform/supported.go:RaceDetectorSupported.
var raceArches = strings.Fields("amd64 arm64 loong64 ppc64le riscv64 s390x")

// builds yields all builds for a GOARCH that a program can tell apart.
func builds(goarch string, yield func(Build)) {
	for minor := 20; minor <= 27; minor++ { // from before the first release there are sets for to after the last
		for _, cgo := range []bool{false, true} {
			for _, race := range []bool{false, true} {
				if race && !slices.Contains(raceArches, goarch) {
					continue
				}
				for off := range 1 << len(settings) {
					b := Build{Arch: goarch, Go: fmt.Sprintf("1.%d", minor), Cgo: cgo, Race: race}
					for i, s := range settings {
						if off>>i&1 != 0 {
							b.GODEBUG = join(b.GODEBUG, s.name+"=0")
						}
					}
					yield(b)
				}
			}
		}
	}
}

// TestTablesSayWhatTheFilesSay: for every GOARCH and every build, the sets and the default policy that a program carries
// mean what the files mean, checked anew: rule by rule, with their places.
func TestTablesSayWhatTheFilesSay(t *testing.T) {
	if names := kernel.Names(); len(names) != len(tables) {
		t.Fatalf("%d tables for %d architectures", len(tables), len(names))
	}
	constraints := make(map[string]bool)
	for _, f := range parse(t) {
		for _, c := range compiled.Constraints(f) {
			constraints[c] = true
		}
	}
	list := slices.Sorted(maps.Keys(constraints))
	for goarch, table := range tables {
		t.Run(goarch, func(t *testing.T) {
			t.Parallel()
			arch, _ := kernel.ByName(goarch)
			seen := make(map[string]bool)
			builds(goarch, func(b Build) {
				// Builds of which the same constraints are true are one: both sides ask for nothing else.
				truths := truths(t, b, list)
				if seen[truths] || t.Failed() {
					return
				}
				seen[truths] = true
				equal(t, b, For(b), compiled.Open(table, arch, b.has), arch)
			})
			if len(seen) < 6 {
				t.Errorf("only %d builds differ", len(seen))
			}
		})
	}
}

// truths says which constraints are true of a build.
func truths(t *testing.T, b Build, constraints []string) string {
	var all []byte
	for _, c := range constraints {
		holds, ok := compiled.Holds(c, b.has)
		if !ok {
			t.Fatalf("%q is no build constraint", c)
		}
		all = fmt.Append(all, holds)
	}
	return string(all)
}

// equal compares what files mean with what a table does.
func equal(t *testing.T, b Build, files *policy.Reader, table *compiled.Library, arch *kernel.Arch) {
	if diff := cmp.Diff(files.Names(), table.Names()); diff != "" {
		t.Fatalf("names: %s", diff)
	}
	same := func(what string, want, got any) {
		if !reflect.DeepEqual(want, got) {
			diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(kernel.Arch{}, rule.Mistakes{}))
			t.Errorf("%+v: %s: run go generate ./runtimeset: %s", b, what, diff)
		}
	}
	for _, name := range files.Names() { // which hold parts of each other
		set, err := files.Set(name, arch)
		if err != nil {
			t.Fatal(err)
		}
		set.Doc = ""
		unreasoned(set.Rules)
	}
	for _, name := range files.Names() {
		want, _ := files.Set(name, arch)
		got, _ := table.Set(name, arch)
		same(name, want, got)
	}
	want, err := files.Fallbacks(arch)
	if err != nil {
		t.Fatal(err)
	}
	unreasoned(want)
	got, _ := table.Fallbacks(arch)
	same("fallbacks", want, got)

	f, err := rule.Parse(Default())
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: files})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Stages {
		if len(p.Stages[i].Rules) == 0 {
			p.Stages[i].Rules = nil
		}
	}
	same("the default policy", p, table.Default())

	// What stage.Again asks for: stage.New finds nothing wrong with it.
	env := stage.Env{"self.pid": 1000, "runtime.epollfd": 4, "runtime.eventfd": 5}
	plan, err := stage.New(p, env)
	if err != nil {
		t.Fatalf("%+v: %v", b, err)
	}
	again, err := stage.Again(table.Default(), env)
	if err != nil {
		t.Fatalf("%+v: %v", b, err)
	}
	for i := range plan.Stages {
		same("stage "+plan.Stages[i].Name, plan.Stages[i].Table, again.Stages[i].Table)
	}
}

// unreasoned takes from rules what a program does not carry.
func unreasoned(rules []policy.Rule) {
	for _, r := range rules {
		r.Origin.Why = ""
		for _, arm := range r.Else {
			arm.Origin.Why = ""
		}
	}
}

// The running program's table is that of its GOARCH.
func TestNative(t *testing.T) {
	if kernel.Native() == nil {
		t.Skip("Linux has no " + runtime.GOARCH)
	}
	if nativeTable() != tables[runtime.GOARCH] {
		t.Error("the table is another architecture's")
	}
	if set, err := Native(Running()).Set("go", kernel.Native()); set == nil || err != nil {
		t.Errorf("go: %v, %v", set, err)
	}
	if set, err := Native(Running()).Set("nope", kernel.Native()); set != nil || err != nil {
		t.Errorf("nope: %v, %v", set, err)
	}
}

// TestGenerate: go generate changes nothing on a clean tree.
func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./gen", "-out", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for goarch := range tables {
		name := "z" + goarch + ".go"
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what its generator makes of the policy files: run go generate ./runtimeset\n%s", name, diff)
		}
	}
}
