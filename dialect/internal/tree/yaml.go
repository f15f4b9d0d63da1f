package tree

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/rule"
)

// YAML reads one YAML document; nil if it can't, which is reported.
func YAML(r *dialect.Report, text []byte) *Node {
	if tooLarge(r, text) {
		return nil
	}
	start := rule.At(1, 1)
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		syntax(r, start, "the text is empty")
		return nil
	case err != nil:
		at, msg := yamlMistake(err)
		syntax(r, at, "no YAML: %s", msg)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		syntax(r, rule.At(max(more.Line, 1), max(more.Column, 1)), "a second document follows: one is wanted")
		return nil
	}
	p := yamlParser{Report: r}
	n, ok := p.node(&doc, 0)
	if !ok {
		return nil
	}
	return n
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// yamlMistake takes the line out of a message of the library, which knows no column.
func yamlMistake(err error) (at rule.Pos, msg string) {
	at, msg = rule.At(1, 1), strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		at.Line = int32(line)
		msg = err.Error()[len(m[0]):]
	}
	return at, strings.ReplaceAll(msg, "\n", " ")
}

type yamlParser struct {
	*dialect.Report
	nodes int
}

func (p *yamlParser) node(y *yaml.Node, depth int) (*Node, bool) {
	n := &Node{Pos: rule.At(max(y.Line, 1), max(y.Column, 1))}
	if p.nodes++; depth > maxDepth || p.nodes > maxNodes {
		syntax(p.Report, n.Pos, "the text is nested too deep, or has too many values")
		return nil, false
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return p.node(y.Content[0], depth+1)
	case yaml.AliasNode:
		x, ok := p.node(y.Alias, depth+1)
		if !ok {
			return nil, false
		}
		x.Pos = n.Pos
		return x, true
	case yaml.ScalarNode:
		n.Text = y.Value
		switch y.ShortTag() {
		case "!!null":
		case "!!bool":
			n.Kind = Bool
		case "!!int", "!!float":
			n.Kind = Number
		default:
			n.Kind = String
		}
		return n, true
	case yaml.SequenceNode:
		n.Kind = List
		for _, c := range y.Content {
			x, ok := p.node(c, depth+1)
			if !ok {
				return nil, false
			}
			n.Items = append(n.Items, x)
		}
		return n, true
	case yaml.MappingNode:
		n.Kind = Map
		for i := 0; i+1 < len(y.Content); i += 2 {
			k, v := y.Content[i], y.Content[i+1]
			at := rule.At(max(k.Line, 1), max(k.Column, 1))
			if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" {
				syntax(p.Report, at, "a key is a plain word")
				return nil, false
			}
			x, ok := p.node(v, depth+1)
			if !ok {
				return nil, false
			}
			n.Keys = append(n.Keys, Key{at, k.Value})
			n.Items = append(n.Items, x)
		}
		return n, true
	}
	return n, true
}
