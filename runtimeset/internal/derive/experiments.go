package derive

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// experiments returns the build tags of the experiments that a release has switched on for an architecture, as its
// internal/buildcfg says: which files the runtime consists of hangs on them (lock_spinbit.go in 1.24).
func (t Toolchain) experiments(goarch string) ([]string, error) {
	name := filepath.Join(t.Root, "src", "internal", "buildcfg", "exp.go")
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Name.Name == "ParseGOEXPERIMENT" {
			return (&baseline{goarch, d.Body}).tags()
		}
	}
	return nil, fmt.Errorf("%s: no ParseGOEXPERIMENT", name)
}

// A baseline evaluates the few expressions by which a release decides on its experiments.
type baseline struct {
	goarch string
	body   *ast.BlockStmt
}

// tags reads the composite literal that baseline is set to.
func (b *baseline) tags() (tags []string, err error) {
	value := b.assigned("baseline")
	if u, ok := value.(*ast.UnaryExpr); ok {
		value = u.X
	}
	lit, ok := value.(*ast.CompositeLit)
	if !ok {
		return nil, fmt.Errorf("internal/buildcfg: baseline is not set to a literal")
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return nil, fmt.Errorf("internal/buildcfg: an experiment without a name")
		}
		name := strings.ToLower(kv.Key.(*ast.Ident).Name)
		on, err := b.value(kv.Value)
		if err != nil {
			return nil, fmt.Errorf("internal/buildcfg: is %s on: %w", name, err)
		}
		if on {
			tags = append(tags, "goexperiment."+name)
		}
	}
	return tags, nil
}

// assigned returns what a variable is defined as at the top of the function.
func (b *baseline) assigned(name string) ast.Expr {
	for _, s := range b.body.List {
		if s, ok := s.(*ast.AssignStmt); ok && s.Tok == token.DEFINE {
			if id, ok := s.Lhs[0].(*ast.Ident); ok && id.Name == name {
				return s.Rhs[0]
			}
		}
	}
	return nil
}

// value evaluates a condition on goos and goarch.
func (b *baseline) value(x ast.Expr) (bool, error) {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return b.value(x.X)
	case *ast.Ident:
		switch x.Name {
		case "true", "false":
			return x.Name == "true", nil
		}
		if def := b.assigned(x.Name); def != nil {
			return b.value(def)
		}
		return b.switched(x.Name), nil
	case *ast.BinaryExpr:
		left, right := b.text(x.X), b.text(x.Y)
		switch {
		case x.Op == token.EQL && left != "" && right != "":
			return left == right, nil
		case x.Op == token.NEQ && left != "" && right != "":
			return left != right, nil
		case x.Op == token.LAND || x.Op == token.LOR:
			p, err := b.value(x.X)
			if err != nil {
				return false, err
			}
			q, err := b.value(x.Y)
			return x.Op == token.LAND && p && q || x.Op == token.LOR && (p || q), err
		}
	}
	return false, fmt.Errorf("an expression that is not understood (%T)", x)
}

// text returns the string that an expression is.
func (b *baseline) text(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		switch x.Name {
		case "goos":
			return "linux"
		case "goarch":
			return b.goarch
		}
	case *ast.BasicLit:
		s, _ := strconv.Unquote(x.Value) // empty for what is no string
		return s
	}
	return ""
}

// switched tells whether a `switch goarch` sets a variable to true.
func (b *baseline) switched(name string) (on bool) {
	for _, s := range b.body.List {
		s, ok := s.(*ast.SwitchStmt)
		if !ok || b.text(s.Tag) != b.goarch {
			continue
		}
		for _, c := range s.Body.List {
			c := c.(*ast.CaseClause)
			for _, x := range c.List {
				if b.text(x) != b.goarch {
					continue
				}
				for _, s := range c.Body {
					if a, ok := s.(*ast.AssignStmt); ok {
						l, ok1 := a.Lhs[0].(*ast.Ident)
						r, ok2 := a.Rhs[0].(*ast.Ident)
						on = on || ok1 && ok2 && l.Name == name && r.Name == "true"
					}
				}
			}
		}
	}
	return on
}
