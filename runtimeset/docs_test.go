package runtimeset

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset/internal/compiled"
)

const (
	paper = "../docs/sets.md"
	mark  = "<!-- From here on the policy files of runtimeset: go test ./runtimeset -update writes it. -->\n"
)

// TestPaper: docs/sets.md has every set, every call of it, when it is allowed, and why, as the policy files say it.
func TestPaper(t *testing.T) {
	text, err := os.ReadFile(paper)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s has not the line %q", paper, mark)
	}
	var b strings.Builder
	b.WriteString(head + mark)
	for _, f := range parse(t) {
		if f.Name != compiled.PolicyFile {
			describe(&b, f)
		}
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(paper, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		text = []byte(b.String())
	}
	if diff := cmp.Diff(string(text), b.String()); diff != "" {
		t.Errorf("%s (-is +should be; go test ./runtimeset -update writes it):\n%s", paper, diff)
	}
}

// describe writes a set: its sentence, what it is made of, and a row for each rule.
func describe(b *strings.Builder, f *rule.File) {
	name := strings.TrimSuffix(f.Name, suffix)
	fmt.Fprintf(b, "\n## %s\n", name)
	on, table := "", false
	for i, x := range f.Stmts {
		notes := x.Notes()
		lines := notes.Before
		if i == 0 {
			end := 0
			for end < len(lines) && lines[end] != "" {
				end++
			}
			fmt.Fprintf(b, "\n%s\n", strings.Join(lines[:end], " "))
			lines = lines[end:]
		} else if notes.Blank {
			on = ""
		}
		for _, line := range lines {
			if line == "" {
				on = ""
			}
			if expr, ok := strings.CutPrefix(line, "go:build "); ok {
				on = expr
			}
		}
		switch x := x.(type) {
		case *rule.Use:
			names := make([]string, len(x.Sets))
			for i, n := range x.Sets {
				names[i] = fmt.Sprintf("[%s](#%s)", n.Text, strings.ReplaceAll(n.Text, ".", ""))
			}
			fmt.Fprintf(b, "\nMade of %s.\n", strings.Join(names, ", "))
			table = false
		case *rule.Rule:
			if !table {
				b.WriteString("\n| call | where | on | why |\n|---|---|---|---|\n")
				table = true
			}
			row(b, x, on)
		}
	}
}

// row writes a rule.
func row(b *strings.Builder, x *rule.Rule, on string) {
	where := "`" + rule.FormatExpr(x.Verdict) + "`"
	if n, ok := x.Verdict.(*rule.Number); ok && n.Abs == 1 {
		where = ""
	}
	if arms := x.Rest().Else; len(arms) > 0 { // the fallbacks
		parts := make([]string, len(arms))
		for i, e := range arms {
			parts[i] = "`" + rule.FormatAction(e.Action) + "`"
			if e.If != nil {
				parts[i] += " where `" + rule.FormatExpr(e.If) + "`"
			}
		}
		where = strings.Join(parts, ", ")
	}
	if on != "" {
		on = "`" + on + "`"
	}
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", x.Call.Name, cell.Replace(where), cell.Replace(on), cell.Replace(x.Notes().After))
}
