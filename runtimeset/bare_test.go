package runtimeset

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/rule"
)

// TestBareSetsSayTheSame: without comments the statements and their places are the same, whatever the build.
func TestBareSetsSayTheSame(t *testing.T) {
	list, err := filepath.Glob("*.policy")
	if err != nil || len(list) != len(bare) {
		t.Fatalf("%d files, %d without comments: run go generate ./runtimeset", len(list), len(bare))
	}
	builds := []Build{{Arch: "amd64"}, {Arch: "arm64", Go: "1.23", Cgo: true}, {Arch: "s390x", Race: true}, {Arch: "386"}}
	for _, build := range builds {
		withReasons, without := For(build), Bare(build)
		for i := range bare {
			want, ok1 := withReasons.file(bare[i].name)
			got, ok2 := without.file(bare[i].name)
			if !ok1 || !ok2 {
				t.Fatalf("%s: %t, %t", bare[i].name, ok1, ok2)
			}
			unnoted(want)
			unnoted(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: run go generate ./runtimeset: %s", bare[i].name, diff)
			}
		}
	}
}

func unnoted(f *rule.File) {
	f.Trailing = nil
	for _, x := range f.Stmts {
		*x.Notes() = rule.Comments{}
	}
}

// TestGenerate: go generate changes nothing on a clean tree.
func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	generator := filepath.Join(t.TempDir(), "gen")
	if out, err := exec.Command("go", "build", "-o", generator, "./gen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(generator)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(filepath.Join(dir, "zsets.go"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("zsets.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("zsets.go is not what its generator makes of the policy files: run go generate ./runtimeset\n%s", diff)
	}
}
