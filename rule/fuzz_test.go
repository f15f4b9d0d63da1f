package rule

import (
	"os"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/corpus"
)

// FuzzParse: no text makes Parse panic; its errors have places in the text; and what it reads can be written and read
// again.
func FuzzParse(f *testing.F) {
	corpus.AddStrings(f)
	for _, text := range samples(f) {
		f.Add(text)
	}
	for _, name := range []string{"testdata/trees.golden", "testdata/errors.golden"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range strings.Split(string(b), "====\n") {
			text, _, _ := strings.Cut(c, "----\n")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		tree, err := Parse("", src)
		if err != nil {
			if tree != nil && len(tree.Mistakes) == 0 {
				t.Error("a tree that doesn't know that it is torn")
			}
			checkPlaces(t, src, err)
			return
		}
		roundTrip(t, tree)
	})
}
