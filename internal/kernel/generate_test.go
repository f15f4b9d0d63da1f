package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenerate: go generate changes nothing on a clean tree.
func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("go", "run", "./gen", "-out", dir)
	cmd.Env = append(os.Environ(), "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	fresh, _ := filepath.Glob(filepath.Join(dir, "*"))
	tree, _ := filepath.Glob("z*.go")
	if len(fresh) != len(tree) || len(tree) != len(arches)+1 {
		t.Errorf("%d files generated, %d in the tree", len(fresh), len(tree))
	}
	for _, file := range fresh {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what its generator makes of its inputs: run go generate ./internal/kernel", filepath.Base(file))
		}
	}
}
