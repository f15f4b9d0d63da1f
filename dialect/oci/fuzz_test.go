package oci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagelock/seccomp/dialect/internal/dialecttest"
	"github.com/stagelock/seccomp/internal/corpus"
)

func FuzzRead(f *testing.F) {
	corpus.AddBytes(f)
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds in testdata")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range seeds {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dialecttest.Robust(t, text, readPlain, Write)
	})
}
