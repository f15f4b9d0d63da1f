// Package rule is the policy language as text: it turns a policy file into a tree with positions, and a tree back
// into text. It knows the grammar (docs/language.md) and nothing of what the names mean: that is package policy's.
package rule

import "strconv"

// MaxSize is the size of the largest text that Parse reads, in bytes.
const MaxSize = 1 << 20

// MaxDepth is how deep brackets, ! and ~ may be nested.
const MaxDepth = 200

// A Pos is a place in a policy text.
type Pos struct {
	Line int32 // from 1
	Col  int32 // from 1, in bytes; a byte order mark in front of the text doesn't count
}

// At returns the place of a line and a column.
func At(line, col int) Pos { return Pos{int32(line), int32(col)} }

func (p Pos) String() string { return strconv.Itoa(int(p.Line)) + ":" + strconv.Itoa(int(p.Col)) }

// Precedes tells whether p comes before other in a text.
func (p Pos) Precedes(other Pos) bool {
	return p.Line < other.Line || p.Line == other.Line && p.Col < other.Col
}

// Start returns p: it makes every node of the tree tell its place.
func (p Pos) Start() Pos { return p }

// A File is a whole policy text.
type File struct {
	Name     string // for messages, as given to Parse
	Stmts    []Stmt
	Trailing []string // the comments after the last statement, as in Comments.Before

	// Mistakes are those of grammar. Where statements have them stands a Broken: package policy looks for more mistakes
	// in the others, and refuses the file.
	Mistakes Errors
}

// Comments are what a person wrote around a statement. A text comes without its # and without the blank behind it.
// A comment inside a statement of several lines is put above it.
type Comments struct {
	Blank bool // an empty line stands before it (or before its first comment), and it isn't the first of its block

	// Before has the comments on the lines above the statement. "" is an empty line, " " an empty comment.
	Before []string

	// After is the comment at the end of its line; of a Set, behind the opening brace. In the sets of the runtime
	// it is the reason.
	After string
}

// noted is the part of a statement that has what few of them have: most have no room for it.
type noted struct{ aside *aside } // never changed, since statements may share them

type aside struct {
	Comments
	rest *Rest // of a Rule: nil where nothing stands behind its verdict
}

// said returns a copy of the aside.
func (n *noted) said() aside {
	if n.aside == nil {
		return aside{}
	}
	return *n.aside
}

// Notes returns the comments of a statement.
func (n *noted) Notes() Comments { return n.said().Comments }

// SetNotes gives a statement other comments.
func (n *noted) SetNotes(c Comments) { n.aside = &aside{c, n.said().rest} }

// note makes kept the aside.
func (n *noted) note(kept *aside) { n.aside = kept }
