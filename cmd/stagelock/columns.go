package main

import (
	"strings"
	"unicode/utf8"
)

// columns prints rows with their cells aligned. Unlike tabwriter it can be told how a cell is marked up without that
// counting as width.
type columns struct {
	indent string
	rows   [][]cell
}

// A cell is a text and how it is marked up.
type cell struct {
	text string
	mark func(string) string // nil: not at all
}

func (c *columns) row(cells ...cell) { c.rows = append(c.rows, cells) }

// maxColumn is the width up to which a column is made wider for its longest cell: a longer one pushes only its own
// row aside.
const maxColumn = 44

// String returns the rows.
func (c *columns) String() string {
	var widths []int
	for _, row := range c.rows {
		for i, x := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if n := utf8.RuneCountInString(x.text); n <= maxColumn && i < len(row)-1 {
				widths[i] = max(widths[i], n)
			}
		}
	}
	var b strings.Builder
	for _, row := range c.rows {
		last := len(row) - 1
		for last >= 0 && row[last].text == "" {
			last--
		}
		b.WriteString(c.indent)
		for i, x := range row[:last+1] {
			text := x.text
			if x.mark != nil {
				text = x.mark(text)
			}
			b.WriteString(text)
			if i < last {
				b.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(x.text))+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// fold puts words on lines of at most width bytes, a longer word on a line of its own.
func fold(words []string, width int) []string {
	var list []string
	line := ""
	for _, w := range words {
		switch {
		case line == "":
			line = w
		case len(line)+1+len(w) > width:
			list = append(list, line)
			line = w
		default:
			line += " " + w
		}
	}
	if line != "" {
		list = append(list, line)
	}
	return list
}

// listed returns words with commas behind all but the last.
func listed(words []string) []string {
	list := make([]string, len(words))
	for i, w := range words {
		if list[i] = w; i < len(words)-1 {
			list[i] += ","
		}
	}
	return list
}
