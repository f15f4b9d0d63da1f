package derive

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// A graph holds the functions of a tree's open packages and who refers to whom.
type graph struct {
	*tree
	nodes   map[string]*node
	alias   map[string]string // by go:linkname: what a declaration without a body stands for
	calls   []call
	vdso    map[string]string          // the call that the vDSO's function answers, by the runtime's variable
	numbers map[types.Object][]uint32  // the constants that a package's variable may hold
	params  map[types.Object]parameter // of functions with a body
	builtin map[string]bool            // the runtime's functions that the compiler calls
}

// A node is a function, with the literals in it but for those that it starts as goroutines.
type node struct {
	id, name string
	file     string // below src
	pkg      *pkg
	asm      *asmFunc // nil if it is written in Go
	body     bool
	declared bool                // in Go, whatever it is written in
	linked   bool                // others can call it by go:linkname
	exported bool                // others can call it by its name
	initial  bool                // it runs while the process starts: init functions, the values of variables
	variable bool                // it is a package's variable that holds a function
	refs     map[string]bool     // the functions that it refers to
	later    map[string]bool     // of these, the ones that may run when it has ended: used as values, or goroutines
	texts    map[string][]string // calls with constants among their arguments, by what is called
	sites    []site
	told     int // the parameter that says which call to make; -1: none does
	by       map[string]bool
}

// A site is where a call to the kernel is made, or where one is handed to a function that makes it.
type site struct {
	nr   uint32
	text string // the Go expression, if it is one
}

// A call is a call of a Go function with its arguments, in the function at.
type call struct {
	at     string
	callee string
	expr   *ast.CallExpr
	pkg    *pkg
}

// A parameter is one of a function's.
type parameter struct {
	of    string
	index int
}

// graph reads who refers to whom.
func (t *tree) graph() (*graph, error) {
	g := &graph{
		tree: t, nodes: make(map[string]*node), alias: make(map[string]string), vdso: make(map[string]string),
		numbers: make(map[types.Object][]uint32), params: make(map[types.Object]parameter),
	}
	var err error
	if g.builtin, err = t.builtins(); err != nil {
		return nil, err
	}
	var open []*pkg
	for _, p := range t.std {
		if p.open {
			open = append(open, p)
		}
	}
	for _, p := range open { // first: a declaration without a body is one of these, or one by go:linkname
		for _, name := range p.SFiles {
			funcs, err := t.assembly(p, filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			for _, a := range funcs {
				g.assembly(p, a)
			}
		}
	}
	for _, p := range open {
		for _, f := range p.files {
			g.file(p, f)
		}
	}
	for _, n := range g.nodes {
		for id := range n.refs {
			if to, ok := g.nodes[g.real(id)]; ok && to != n {
				to.by[n.id] = true
			}
		}
	}
	return g, g.resolve()
}

// real returns the function behind a declaration without a body.
func (g *graph) real(id string) string {
	if to, ok := g.alias[id]; ok {
		return to
	}
	return id
}

// node returns the node of a function.
func (g *graph) node(id string) *node {
	n, ok := g.nodes[id]
	if !ok {
		n = &node{id: id, told: -1, refs: make(map[string]bool), later: make(map[string]bool), by: make(map[string]bool), texts: make(map[string][]string)}
		g.nodes[id] = n
	}
	return n
}

func (g *graph) assembly(p *pkg, a *asmFunc) {
	n := g.node(a.id)
	n.name, n.file, n.pkg, n.asm, n.body = a.name, a.file, p, a, true
	for _, id := range a.refs {
		n.refs[id] = true
	}
	for _, nr := range a.numbers {
		n.sites = append(n.sites, site{nr: nr})
	}
	if a.told {
		n.told = 0
	}
}

// file reads a Go file.
func (g *graph) file(p *pkg, f *ast.File) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			g.linkname(p, strings.Fields(c.Text), f)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			g.function(p, d)
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				g.variables(p, d)
			}
		}
	}
}

// linkname notes that a function goes by another name too.
func (g *graph) linkname(p *pkg, words []string, f *ast.File) {
	if len(words) < 2 || words[0] != "//go:linkname" {
		return
	}
	local := p.path + "." + words[1]
	if len(words) == 2 {
		g.node(local).linked = true
		return
	}
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == words[1] {
			if d.Body == nil {
				if !g.written(local) {
					g.alias[local] = words[2]
				}
			} else {
				g.alias[words[2]] = local
				g.node(local).linked = true
			}
		}
	}
}

// written tells whether a function is known to be written in assembly.
func (g *graph) written(id string) bool {
	n, ok := g.nodes[id]
	return ok && n.asm != nil
}

// function reads a function's body.
func (g *graph) function(p *pkg, d *ast.FuncDecl) {
	obj, ok := p.info.Defs[d.Name].(*types.Func)
	if !ok { // func _
		return
	}
	id := obj.FullName()
	if d.Name.Name == "init" && d.Recv == nil {
		id = p.path + ".init@" + g.place(d.Pos()) // there may be several
	}
	n := g.node(id)
	if n.declared = true; n.asm == nil {
		n.name, n.file, n.pkg, n.body = title(obj), g.place(d.Pos()), p, d.Body != nil
	}
	n.exported = d.Name.IsExported()
	n.initial = d.Name.Name == "init" && d.Recv == nil
	index := 0
	for _, field := range d.Type.Params.List {
		for _, name := range field.Names {
			if obj := p.info.Defs[name]; obj != nil {
				g.params[obj] = parameter{id, index}
			}
			index++
		}
	}
	if d.Body != nil {
		g.body(p, n, d.Body)
	}
}

// title returns how a function is named in a place: FD.Read for a method.
func title(f *types.Func) string {
	recv := f.Signature().Recv()
	if recv == nil {
		return f.Name()
	}
	typ := recv.Type()
	if ptr, ok := typ.(*types.Pointer); ok {
		typ = ptr.Elem()
	}
	if named, ok := typ.(*types.Named); ok {
		return named.Obj().Name() + "." + f.Name()
	}
	return f.Name()
}

// body reads what a body refers to.
func (g *graph) body(p *pkg, n *node, body ast.Node) {
	called := make(map[*ast.Ident]bool)
	ast.Inspect(body, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.GoStmt:
			if lit, ok := x.Call.Fun.(*ast.FuncLit); ok {
				child := g.node(n.id + ".go@" + g.fset.Position(x.Pos()).String())
				child.name, child.file, child.pkg, child.body = n.name, n.file, p, true
				n.refs[child.id], n.later[child.id] = true, true
				g.body(p, child, lit.Body)
				for _, arg := range x.Call.Args {
					g.body(p, n, arg)
				}
				return false
			}
			if f := g.callee(p, x.Call); f != nil {
				n.later[f.FullName()] = true
			}
		case *ast.CallExpr:
			if f := g.callee(p, x); f != nil {
				called[name(x.Fun)] = true
				g.calls = append(g.calls, call{n.id, f.FullName(), x, p})
				if text := telling(p, x); text != "" && !slices.Contains(n.texts[f.FullName()], text) {
					n.texts[f.FullName()] = append(n.texts[f.FullName()], text)
				}
			}
		case *ast.AssignStmt:
			g.assigned(p, x.Lhs, x.Rhs)
		case *ast.Ident:
			switch obj := p.info.Uses[x].(type) {
			case *types.Func:
				id := obj.Origin().FullName()
				n.refs[id] = true
				if !called[x] {
					n.later[id] = true
				}
			case *types.Var:
				if obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
					break
				}
				if obj.Pkg().Path() == "runtime" && strings.HasPrefix(obj.Name(), "vdso") && strings.HasSuffix(obj.Name(), "Sym") {
					if n.declared {
						n.refs["vdso:"+obj.Name()] = true
					}
				} else if _, ok := obj.Type().Underlying().(*types.Signature); ok {
					n.refs[obj.Pkg().Path()+"."+obj.Name()] = true
				}
			}
		}
		return true
	})
}

// callee returns the function that is called, nil if it is a value, a method of an interface or a conversion.
func (g *graph) callee(p *pkg, x *ast.CallExpr) *types.Func {
	id := name(x.Fun)
	if id == nil {
		return nil
	}
	f, ok := p.info.Uses[id].(*types.Func)
	if !ok {
		return nil
	}
	return f.Origin()
}

// name returns the identifier that names what is called.
func name(x ast.Expr) *ast.Ident {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	case *ast.IndexExpr:
		return name(x.X)
	case *ast.IndexListExpr:
		return name(x.X)
	}
	return nil
}

// variables reads the values that a package's variables begin with.
func (g *graph) variables(p *pkg, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		spec := spec.(*ast.ValueSpec)
		for i, v := range spec.Values {
			id := spec.Names[min(i, len(spec.Names)-1)]
			n := g.node(p.path + "." + id.Name)
			n.name, n.file, n.pkg, n.body, n.initial = id.Name, g.place(d.Pos()), p, true, true
			if obj := p.info.Defs[id]; obj != nil {
				_, n.variable = obj.Type().Underlying().(*types.Signature)
				g.holds(p, obj, v)
			}
			g.body(p, n, v)
			g.vdsoSymbols(v)
		}
	}
}

// telling returns a call as it is written, if one of its arguments is a constant that says something.
func telling(p *pkg, x *ast.CallExpr) string {
	for _, arg := range x.Args {
		if v := p.info.Types[arg].Value; v != nil && v.Kind() == constant.Int && constant.Sign(v) != 0 {
			if text := types.ExprString(x); len(text) < 110 {
				return text
			}
		}
	}
	return ""
}

// assigned notes the constants that variables are set to.
func (g *graph) assigned(p *pkg, left, right []ast.Expr) {
	if len(left) != len(right) {
		return
	}
	for i := range left {
		if id := name(left[i]); id != nil {
			g.holds(p, p.info.Uses[id], right[i])
		}
	}
}

// holds notes that a variable may hold a constant.
func (g *graph) holds(p *pkg, obj types.Object, v ast.Expr) {
	if obj == nil {
		return
	}
	if nr, ok := number(p, v); ok {
		g.numbers[obj] = append(g.numbers[obj], nr)
	}
}

// number returns the value of an expression that is constant.
func number(p *pkg, x ast.Expr) (uint32, bool) {
	v := p.info.Types[x].Value
	if v == nil || v.Kind() != constant.Int {
		return 0, false
	}
	n, ok := constant.Uint64Val(v)
	return uint32(n), ok && n < 1<<32
}

// vdsoSymbols reads the runtime's table of what it looks up in the vDSO: {"__vdso_clock_gettime", …, &vdsoClockgettimeSym}.
func (g *graph) vdsoSymbols(table ast.Expr) {
	ast.Inspect(table, func(x ast.Node) bool {
		lit, ok := x.(*ast.CompositeLit)
		if !ok || len(lit.Elts) < 3 {
			return true
		}
		symbol, ok1 := lit.Elts[0].(*ast.BasicLit)
		address, ok2 := lit.Elts[len(lit.Elts)-1].(*ast.UnaryExpr)
		if !ok1 || !ok2 || address.Op != token.AND {
			return true
		}
		if id, ok := address.X.(*ast.Ident); ok {
			call := strings.Trim(symbol.Value, `"`)
			call = strings.TrimPrefix(strings.TrimPrefix(call, "__vdso_"), "__kernel_")
			g.vdso[id.Name] = call
		}
		return true
	})
}
