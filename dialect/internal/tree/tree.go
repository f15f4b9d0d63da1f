// Package tree reads JSON and YAML into one kind of tree in which everything knows its place, so that every mistake of
// a policy in such a text can be told with line and column: an unknown key, a wrong type, a number too large.
package tree

import (
	"strconv"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/rule"
)

// A Kind is the kind of a Node.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

func (k Kind) String() string {
	return [...]string{"nothing", "a truth value", "a number", "a text", "a list", "a map"}[k]
}

// A Node is a value with its place.
type Node struct {
	rule.Pos
	Kind  Kind
	Text  string  // of a String, without quotes; of a Number or Bool as written
	Items []*Node // of a List; of a Map the values
	Keys  []Key   // of a Map, parallel to Items
}

// A Key is a key of a Map with its place.
type Key struct {
	rule.Pos
	Text string
}

// Limits: of nesting, and of nodes, which aliases in YAML could multiply beyond measure.
const (
	maxDepth = 100
	maxNodes = 1 << 18
)

// Get returns the value of a key, nil if n has none.
func (n *Node) Get(key string) *Node {
	for i, k := range n.Keys {
		if k.Text == key {
			return n.Items[i]
		}
	}
	return nil
}

// syntax reports that a text can't be read.
func syntax(r *dialect.Report, at rule.Pos, format string, args ...any) {
	r.Errorf(dialect.ErrSyntax, at, format, args...)
}

// tooLarge reports a text beyond the limits.
func tooLarge(r *dialect.Report, text []byte) bool {
	if len(text) > rule.MaxSize {
		syntax(r, rule.Pos{Line: 1, Col: 1}, "the text has more than %d bytes", rule.MaxSize)
		return true
	}
	return false
}

// show returns what a node is, for a message.
func (n *Node) show() string {
	switch n.Kind {
	case Number, Bool:
		return n.Text
	case String:
		if len(n.Text) > 40 {
			return strconv.Quote(n.Text[:40]) + "…"
		}
		return strconv.Quote(n.Text)
	}
	return n.Kind.String()
}
