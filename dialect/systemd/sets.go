package systemd

import (
	_ "embed" // for sets.txt
	"iter"
	"strings"
)

// setsVersion is the release of systemd whose sets these are.
const setsVersion = "257"

// sets.txt has each set's name on a line and, indented, its members: calls and other sets.
//
//go:embed sets.txt
var setsText string

// members returns the members of a set, named with its @; ok is false if there is none of that name.
func members(set string) (names []string, ok bool) {
	for line := range lines(setsText) {
		switch {
		case line == set:
			ok = true
		case !ok:
		case strings.HasPrefix(line, " "):
			names = append(names, strings.TrimSpace(line))
		default:
			return names, true
		}
	}
	return names, ok
}

// expand calls yield for every call that a name stands for: itself, or those of a set. The sets contain no cycle.
func expand(name string, yield func(call string)) (ok bool) {
	if !strings.HasPrefix(name, "@") {
		yield(name)
		return true
	}
	list, ok := members(name)
	for _, m := range list {
		expand(m, yield)
	}
	return ok
}

// setNames yields the names of all sets.
func setNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range lines(setsText) {
			if strings.HasPrefix(line, "@") && !yield(line) {
				return
			}
		}
	}
}

// lines yields the lines of a text without comments and line ends.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			var line string
			if line, text, _ = strings.Cut(text, "\n"); !strings.HasPrefix(line, "#") && !yield(line) {
				return
			}
		}
	}
}
