package rule

// notes takes the comments above a statement that the lookahead begins: Comments.Blank and Before.
func (p *parser) notes(first bool) Comments {
	n := Comments{Blank: p.tok.blank}
	if len(p.comments) > 0 {
		n.Blank = p.comments[0].blank
		n.Before = p.above()
		if p.tok.blank {
			n.Before = append(n.Before, "")
		}
	}
	n.Blank = n.Blank && !first
	return n
}

// trailing takes the comments at the end of a block.
func (p *parser) trailing(behindStmt bool) []string {
	if len(p.comments) == 0 {
		return nil
	}
	blank := p.comments[0].blank && behindStmt
	list := p.above()
	if blank {
		return append([]string{""}, list...)
	}
	return list
}

// above takes all comments that were put aside, with the empty lines between them.
func (p *parser) above() []string {
	list := make([]string, 0, len(p.comments)+1)
	for i, c := range p.comments {
		if c.blank && i > 0 {
			list = append(list, "")
		}
		list = append(list, c.text)
	}
	p.comments = p.comments[:0]
	return list
}

// endNotes takes the comments inside s, which has been read whole, and the one at its end.
func (p *parser) endNotes(s Stmt) {
	n := s.Notes()
	line := p.lastLine()
	later := p.comments[:0]
	for _, c := range p.comments {
		switch {
		case c.line > line:
			later = append(later, c)
		case c.line < line:
			n.Before = append(n.Before, c.text)
		case n.After == "":
			n.After = after(c)
		default: // a set that has a comment behind each of its braces
			set := s.(*Set)
			set.Trailing = append(set.Trailing, c.text)
		}
	}
	p.comments = later
	p.annotate(s, n)
}

// blankAbove is the aside of a statement that has nothing but an empty line above.
var blankAbove = aside{Comments: Comments{Blank: true}}

// annotate gives a statement its comments.
func (p *parser) annotate(s Stmt, c Comments) {
	rest := s.said().rest
	switch {
	case len(c.Before) > 0, c.After != "", rest != nil:
		kept := p.asides.one(min(p.left(), fewNodes))
		*kept = aside{c, rest}
		s.note(kept)
	case c.Blank:
		s.note(&blankAbove)
	}
}

// lineComment takes the comment at the end of a line, "" if there is none.
func (p *parser) lineComment(line int32) string {
	text := ""
	rest := p.comments[:0]
	for _, c := range p.comments {
		if c.line == line {
			text = after(c)
		} else {
			rest = append(rest, c)
		}
	}
	p.comments = rest
	return text
}

// after returns the text of a comment at the end of a line: there an empty one says nothing.
func after(c comment) string {
	if c.text == " " {
		return ""
	}
	return c.text
}
