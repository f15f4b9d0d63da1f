package main

import "os"

// A style marks up what is printed for people: on a terminal only, and not where NO_COLOR asks for none
// (https://no-color.org).
type style struct{ on bool }

func (s *streams) style() style {
	return style{s.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s style) head(text string) string  { return s.sgr("1", text) }
func (s style) good(text string) string  { return s.sgr("32", text) }
func (s style) bad(text string) string   { return s.sgr("31", text) }
func (s style) quiet(text string) string { return s.sgr("2", text) }

// sgr wraps text in a sequence of Select Graphic Rendition (ECMA-48).
func (s style) sgr(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
