package corpus_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/internal/corpus"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), corpus.File("FuzzX"))
	if kept, err := corpus.Read(file); len(kept) != 0 || err != nil {
		t.Fatalf("of no file: %q, %v", kept, err)
	}
	inputs := []string{"b\n\"", "", "\xff\x00é\r\n", "a", "a"}
	if err := corpus.Write(file, inputs); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := corpus.Read(file)
	if want := []string{"", "a", "b\n\"", "\xff\x00é\r\n"}; err != nil || !slices.Equal(kept, want) {
		t.Fatalf("%q, %v; want %q", kept, err, want)
	}
	slices.Reverse(kept)
	if err := corpus.Write(file, kept); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(file); err != nil || !slices.Equal(first, again) {
		t.Errorf("the same inputs made another file (%v)", err)
	}
}

func TestABrokenFileIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.gz")
	if err := corpus.Write(file, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range [][]byte{nil, []byte("not gzip"), whole[:len(whole)-9]} {
		if err := os.WriteFile(file, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if inputs, err := corpus.Read(file); err == nil {
			t.Errorf("%d bytes: read %q", len(broken), inputs)
		}
	}
}
