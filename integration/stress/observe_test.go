//go:build linux && (amd64 || arm64)

package main

import (
	"flag"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var observeAll = flag.Bool("observed", false, "observe every case, which takes a minute, and not only a few")

// few are the cases that are observed in every run: each does something that observing could break.
var few = []string{"preempt", "serve", "quit", "nil", "child"}

// unseen are the cases that end otherwise in an observed program, and why.
var unseen = map[string]string{
	"deadlock": "the goroutine that tells what is observed waits in the kernel, so not all goroutines are asleep",
	"goexit":   "the same",
}

// Observed under a stage that has nothing but the floor and kills for all else, the program does what it does unlocked:
// nothing is refused, and nothing is broken.
func TestObservedAsUnlocked(t *testing.T) {
	ran := 0
	for _, b := range builds {
		if _, err := exec.LookPath("gcc"); b.name != "pure" && (err != nil || !*observeAll) {
			continue
		}
		for _, c := range slices.Concat(memoryCases, threadCases, pollCases, signalCases, crashCases, areaCases) {
			if unseen[c.name] != "" || b.name == "cgo" && pureOnly[c.name] != "" || !*observeAll && !slices.Contains(few, c.name) {
				continue
			}
			ran++
			t.Run(b.name+"/"+c.name, func(t *testing.T) {
				unlocked, text := b.run(t, c.name, "", nil)
				got, observed := b.run(t, c.name, "observe", nil)
				if strings.Contains(observed, "stress: observe: ") {
					t.Skip("nothing can be observed here: ", observed)
				}
				if diff := cmp.Diff(unlocked, got); diff != "" {
					t.Errorf("-unlocked +observed:\n%s\nunlocked:\n%s\nobserved:\n%s", diff, head(text, 40), head(observed, 60))
				}
			})
		}
	}
	if ran < 5 {
		t.Errorf("%d cases were observed: have they other names by now?", ran)
	}
}
