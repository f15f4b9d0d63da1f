package main

import "testing"

func TestStyle(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	s := &streams{terminal: true}
	if got := s.style().good("allow"); got != "\x1b[32mallow\x1b[0m" {
		t.Errorf("on a terminal: %q", got)
	}
	if got := s.style().good(""); got != "" {
		t.Errorf("nothing is coloured: %q", got)
	}
	s.terminal = false
	if got := s.style().good("allow"); got != "allow" {
		t.Errorf("into a pipe: %q", got)
	}
	s.terminal = true
	t.Setenv("TERM", "dumb")
	if got := s.style().bad("kill"); got != "kill" {
		t.Errorf("on a dumb terminal: %q", got)
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	if got := s.style().head("stage"); got != "stage" {
		t.Errorf("with NO_COLOR: %q", got)
	}
}

// TestColumns: marks don't count as width, and a long cell pushes only its own row aside.
func TestColumns(t *testing.T) {
	mark := func(s string) string { return "<" + s + ">" }
	long := "0123456789012345678901234567890123456789012345678901234567890"
	var c columns
	c.row(cell{"a", mark}, cell{"1", nil})
	c.row(cell{"bcd", nil}, cell{"2", nil})
	c.row(cell{long, nil}, cell{"3", nil})
	c.row(cell{"e", nil}, cell{"", nil})
	want := "<a>    1\nbcd  2\n" + long + "  3\ne\n"
	if got := c.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
