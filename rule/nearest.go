package rule

import (
	"iter"

	"github.com/stagelock/seccomp/internal/ascii"
)

// maxWord is the length of the longest word that Nearest looks at, in bytes.
const maxWord = 64

// Nearest returns the candidate that a person who wrote word most likely meant, or "" if none is near: the one that
// the fewest typing mistakes lead to (a letter too many, too few, wrong, or two swapped; case doesn't count), and
// between equals the first in alphabetical order.
func Nearest(word string, candidates iter.Seq[string]) string {
	if word == "" || len(word) > maxWord {
		return ""
	}
	limit := mistakes(len(word))
	lower := ascii.Lower(word)
	best := ""
	for c := range candidates {
		if c == word || len(c) > maxWord || len(c) > len(word)+limit || len(c) < len(word)-limit {
			continue
		}
		d := distance(lower, ascii.Lower(c))
		if d < limit || d == limit && (best == "" || c < best) {
			best, limit = c, d
		}
	}
	return best
}

// DidYouMean returns `: did you mean "NEAREST"?`, or "" if no candidate is near: the end of a message about word.
func DidYouMean(word string, candidates iter.Seq[string]) string {
	if c := Nearest(word, candidates); c != "" {
		return `: did you mean "` + c + `"?`
	}
	return ""
}

// mistakes returns how many typing mistakes a word of n bytes may have and still be recognised.
func mistakes(n int) int {
	switch {
	case n < 2:
		return 0
	case n < 6:
		return 1
	case n < 10:
		return 2
	}
	return 3
}

// distance is the optimal string alignment distance: the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b, no place being edited twice.
func distance(a, b string) int {
	var rows [3][2*maxWord + 1]int // lower-casing may lengthen a word
	if len(a) > 2*maxWord || len(b) > 2*maxWord {
		return len(a) + len(b)
	}
	before, last, this := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}
