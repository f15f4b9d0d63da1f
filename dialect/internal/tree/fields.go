package tree

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/rule"
)

// A Field is a key that a map may have, and what reads its value.
type Field struct {
	Name string
	Read func(*Node)
}

// Fields reads a map that may have these keys, each once, and no others. It tells whether n is a map.
func Fields(r *dialect.Report, n *Node, what string, fields ...Field) bool {
	if n.Kind != Map {
		r.Errorf(dialect.ErrValue, n.Pos, "%s is a map, not %s", what, n.show())
		return false
	}
	names := func(yield func(string) bool) {
		for _, f := range fields {
			if !yield(f.Name) {
				return
			}
		}
	}
	for i, k := range n.Keys {
		j := slices.IndexFunc(fields, func(f Field) bool { return f.Name == k.Text })
		first := slices.IndexFunc(n.Keys, func(o Key) bool { return o.Text == k.Text })
		switch {
		case j < 0:
			hint := rule.DidYouMean(k.Text, names)
			if hint == "" {
				hint = ": there are " + strings.Join(slices.Collect(names), ", ")
			}
			r.Errorf(dialect.ErrUnknown, k.Pos, "unknown key %q in %s%s", k.Text, what, hint)
		case first < i:
			r.Errorf(dialect.ErrValue, k.Pos, "%s is there twice: first in line %d", k.Text, n.Keys[first].Line)
		default:
			fields[j].Read(n.Items[i])
		}
	}
	return true
}

// Each calls read with every element of a list. Null is an empty list.
func Each(r *dialect.Report, n *Node, what string, read func(*Node)) {
	switch n.Kind {
	case List:
		for _, x := range n.Items {
			read(x)
		}
	case Null:
	default:
		r.Errorf(dialect.ErrValue, n.Pos, "%s is a list, not %s", what, n.show())
	}
}

// Str returns a text; ok is false if it is none, which is reported.
func Str(r *dialect.Report, n *Node, what string) (text string, ok bool) {
	if n.Kind != String {
		r.Errorf(dialect.ErrValue, n.Pos, "%s is a text, not %s", what, n.show())
		return "", false
	}
	return n.Text, true
}

// Uint returns a number from 0 to limit; ok is false if it is none, which is reported.
func Uint(r *dialect.Report, n *Node, what string, limit uint64) (v uint64, ok bool) {
	if n.Kind != Number {
		r.Errorf(dialect.ErrValue, n.Pos, "%s is a number, not %s", what, n.show())
		return 0, false
	}
	v, err := strconv.ParseUint(n.Text, 0, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || err != nil && strings.HasPrefix(n.Text, "-") {
		r.Errorf(dialect.ErrValue, n.Pos, "%s is a whole number from 0 on, not %s", what, n.show())
		return 0, false
	}
	if err != nil || v > limit {
		r.Errorf(dialect.ErrValue, n.Pos, "%s is %s, and can be %d at most", what, n.show(), limit)
		return 0, false
	}
	return v, true
}

// Truth returns a truth value; ok is false if it is none, which is reported.
func Truth(r *dialect.Report, n *Node, what string) (v, ok bool) {
	if n.Kind != Bool {
		r.Errorf(dialect.ErrValue, n.Pos, "%s is true or false, not %s", what, n.show())
		return false, false
	}
	return strings.EqualFold(n.Text, "true"), true
}

// Word returns which of some words a text is; ok is false if it is none of them, which is reported. Case counts unless
// fold is set.
func Word(r *dialect.Report, n *Node, what string, fold bool, words []string) (word string, ok bool) {
	text, ok := Str(r, n, what)
	if !ok {
		return "", false
	}
	for _, w := range words {
		if w == text || fold && strings.EqualFold(w, text) {
			return w, true
		}
	}
	hint := rule.DidYouMean(text, slices.Values(words))
	if hint == "" {
		hint = ": there are " + strings.Join(words, ", ")
	}
	r.Errorf(dialect.ErrUnknown, n.Pos, "unknown %s %q%s", what, text, hint)
	return "", false
}
