package rule

import (
	"strings"
	"unicode"
)

const (
	indentStep  = 4
	maxWidth    = 120 // of a line without its comment, where it can be broken
	maxIndent   = 40  // deeper nesting is not shown by more
	maxAlign    = 40  // comments are not put in a column behind lines longer than this
	commentDist = 1   // blanks between a line and its comment
)

// Format returns the text of f in the one form that all policies are kept in. Comments and empty lines stay; Parse
// reads it as the same tree. Names and comments that no text could hold are the caller's mistake, but a comment with
// a line end in it doesn't become a statement.
func Format(f *File) string {
	var l layout
	indent := 0
	for i, s := range f.Stmts {
		if _, ok := s.(*Stage); ok {
			l.stmt(s, 0, i == 0)
			indent = indentStep
			continue
		}
		l.stmt(s, indent, i == 0)
	}
	l.comments(f.Trailing, indent, len(f.Stmts) == 0)
	return l.String()
}

// A layout is the lines of a text.
type layout struct {
	lines []textLine
}

// A textLine is a line of a text and the comment behind it, both empty for an empty line.
type textLine struct {
	text, after string
}

// String joins the lines, with the comments of neighbouring lines in one column.
func (l *layout) String() string {
	var b strings.Builder
	column, run := 0, 0 // lines[:run] are those that column is for
	for i, line := range l.lines {
		if i >= run {
			column, run = l.column(i)
		}
		b.WriteString(line.text)
		if line.after != "" {
			b.WriteString(strings.Repeat(" ", max(column-len(line.text), 0)+commentDist))
			b.WriteString(hash(line.after))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// column returns how long the lines from i to end are that have comments, not counting very long
// ones. The first line of a set ends them.
func (l *layout) column(i int) (column, end int) {
	for ; i < len(l.lines) && l.lines[i].after != ""; i++ {
		text := l.lines[i].text
		if len(text) <= maxAlign {
			column = max(column, len(text))
		}
		if strings.HasSuffix(text, "{") {
			i++
			break
		}
	}
	return column, i
}

// hash returns a comment with its #.
func hash(text string) string {
	text = strings.TrimRight(strings.Map(printable, strings.ToValidUTF8(text, "?")), " \t")
	if text == "" || text[0] == '!' || text[0] == '#' {
		return "#" + text
	}
	return "# " + text
}

// printable replaces the characters that a comment can't hold.
func printable(r rune) rune {
	switch {
	case badInComment(string(r), r) == "":
		return r
	case unicode.IsSpace(r):
		return ' '
	}
	return '?'
}

func (l *layout) line(indent int, text string) {
	l.lines = append(l.lines, textLine{text: strings.Repeat(" ", indent) + text})
}

// blank adds an empty line, if the line before isn't one already.
func (l *layout) blank() {
	if n := len(l.lines); n > 0 && l.lines[n-1].text != "" {
		l.lines = append(l.lines, textLine{})
	}
}

// comments adds lines of comments. At the beginning of a block no empty line stands.
func (l *layout) comments(list []string, indent int, first bool) {
	for _, c := range list {
		if c != "" {
			l.line(indent, hash(c))
			first = false
		} else if !first {
			l.blank()
		}
	}
}

// stmt adds a statement with its comments.
func (l *layout) stmt(s Stmt, indent int, first bool) {
	n := s.Notes()
	if n.Blank && !first {
		l.blank()
	}
	l.comments(n.Before, indent, first)
	if set, ok := s.(*Set); ok {
		l.set(set, indent)
		return
	}
	w := wrapper{flat: flat{limit: maxWidth - indent}, indent: indent}
	w.stmt(s)
	for _, text := range strings.Split(string(w.b), "\n") {
		l.lines = append(l.lines, textLine{text: strings.Repeat(" ", indent) + text})
	}
	l.lines[len(l.lines)-1].after = n.After
}

// set adds a set, its body indented.
func (l *layout) set(s *Set, indent int) {
	head := "set " + s.Name.Text + " {"
	after := s.Notes().After
	if len(s.Body) == 0 && len(s.Trailing) == 0 {
		l.line(indent, head+"}")
		l.lines[len(l.lines)-1].after = after
		return
	}
	l.line(indent, head)
	l.lines[len(l.lines)-1].after = after
	for i, b := range s.Body {
		l.stmt(b, indent+indentStep, i == 0)
	}
	l.comments(s.Trailing, indent+indentStep, len(s.Body) == 0)
	l.line(indent, "}")
}
