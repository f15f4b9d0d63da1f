package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/rule"
)

// JSON reads one JSON value; nil if it can't, which is reported.
func JSON(r *dialect.Report, text []byte) *Node {
	if tooLarge(r, text) {
		return nil
	}
	p := &jsonParser{Report: r, text: text, dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	for i, c := range text {
		if c == '\n' {
			p.ends = append(p.ends, i)
		}
	}
	n, ok := p.value(0)
	if !ok {
		return nil
	}
	if at := p.next(); at < len(text) {
		syntax(r, p.pos(at), "something follows after the end of the JSON value")
		return nil
	}
	return n
}

type jsonParser struct {
	*dialect.Report
	text  []byte
	dec   *json.Decoder
	ends  []int // offsets of the line ends
	nodes int
}

// pos returns the place of an offset.
func (p *jsonParser) pos(offset int) rule.Pos {
	line := sort.SearchInts(p.ends, offset)
	if line == 0 {
		return rule.At(1, offset+1)
	}
	return rule.At(line+1, offset-p.ends[line-1])
}

// next returns the offset of the next token.
func (p *jsonParser) next() int {
	i := int(p.dec.InputOffset())
	for i < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,:"), p.text[i]) >= 0 {
		i++
	}
	return i
}

// token returns the next token and its place.
func (p *jsonParser) token() (json.Token, rule.Pos, bool) {
	at := p.pos(p.next())
	t, err := p.dec.Token()
	if err == nil {
		return t, at, true
	}
	var wrong *json.SyntaxError
	if errors.As(err, &wrong) && wrong.Offset > 0 {
		at = p.pos(p.culprit(int(wrong.Offset), wrong.Error()))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at = p.pos(len(p.text))
		syntax(p.Report, at, "the JSON ends too early")
	} else {
		syntax(p.Report, at, "no JSON: %v", err)
	}
	return nil, at, false
}

// culprit returns the offset of the character that a message is about: the library gives that of the next one, or, for
// some messages, its own.
func (p *jsonParser) culprit(offset int, msg string) int {
	if offset < len(p.text) && strings.HasPrefix(msg, "invalid character "+strconv.QuoteRune(rune(p.text[offset]))) &&
		p.text[offset-1] != p.text[offset] {
		return offset
	}
	return min(offset, len(p.text)) - 1
}

func (p *jsonParser) value(depth int) (*Node, bool) {
	t, at, ok := p.token()
	if !ok {
		return nil, false
	}
	if p.nodes++; depth > maxDepth || p.nodes > maxNodes {
		syntax(p.Report, at, "the text is nested too deep, or has too many values")
		return nil, false
	}
	n := &Node{Pos: at}
	switch t := t.(type) {
	case nil:
	case bool:
		n.Kind, n.Text = Bool, "false"
		if t {
			n.Text = "true"
		}
	case json.Number:
		n.Kind, n.Text = Number, t.String()
	case string:
		n.Kind, n.Text = String, t
	case json.Delim:
		return n, p.inside(n, t, depth)
	}
	return n, true
}

// inside reads what stands between brackets.
func (p *jsonParser) inside(n *Node, open json.Delim, depth int) bool {
	n.Kind = List
	if open == '{' {
		n.Kind = Map
	}
	for p.dec.More() {
		if n.Kind == Map {
			key, at, ok := p.token()
			if !ok {
				return false
			}
			text, ok := key.(string)
			if !ok {
				syntax(p.Report, at, "a key is a text")
				return false
			}
			n.Keys = append(n.Keys, Key{at, text})
		}
		x, ok := p.value(depth + 1)
		if !ok {
			return false
		}
		n.Items = append(n.Items, x)
	}
	_, _, ok := p.token()
	return ok
}
