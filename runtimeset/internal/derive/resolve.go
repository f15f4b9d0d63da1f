package derive

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// unread are functions that make a call whose number can't be read from the source, each with the reason why nothing
// is missed.
var unread = map[string]string{
	"runtime.runPerThreadSyscall": "repeats on every thread the call that syscall_runtime_doAllThreadsSyscall was told",
}

// resolve finds the numbers of the calls that Go code makes: through functions that make the call they are told by an
// argument, and through those that hand such an argument on.
func (g *graph) resolve() error {
	for changed := true; changed; {
		changed = false
		for _, c := range g.calls {
			arg, ok := g.toldBy(c)
			if !ok {
				continue
			}
			if par, ok := g.passed(c, arg); ok && g.node(par.of).told < 0 {
				g.node(par.of).told, changed = par.index, true
			}
		}
	}
	var missed []string
	for _, c := range g.calls {
		arg, ok := g.toldBy(c)
		if !ok {
			continue
		}
		at := g.node(c.at)
		if nr, ok := number(c.pkg, arg); ok {
			at.sites = append(at.sites, site{nr, g.text(c.expr)})
			continue
		}
		if _, ok := g.passed(c, arg); ok {
			continue
		}
		if id := name(arg); id != nil {
			if list := g.numbers[c.pkg.info.Uses[id]]; len(list) > 0 {
				for _, nr := range list {
					at.sites = append(at.sites, site{nr, g.text(c.expr)})
				}
				continue
			}
		}
		if _, ok := unread[c.at]; !ok {
			missed = append(missed, fmt.Sprintf("%s: %s: the number of the call can't be read", g.fset.Position(c.expr.Pos()), g.text(c.expr)))
		}
	}
	if len(missed) > 0 {
		slices.Sort(missed)
		return fmt.Errorf("%s", strings.Join(missed, "\n"))
	}
	return nil
}

// toldBy returns the argument of a call that says which call to the kernel to make.
func (g *graph) toldBy(c call) (ast.Expr, bool) {
	n, ok := g.nodes[g.real(c.callee)]
	if !ok || n.told < 0 || n.told >= len(c.expr.Args) {
		return nil, false
	}
	return ast.Unparen(c.expr.Args[n.told]), true
}

// passed returns the parameter of the calling function that an argument is, if it is one.
func (g *graph) passed(c call, arg ast.Expr) (parameter, bool) {
	for {
		conv, ok := arg.(*ast.CallExpr)
		if !ok || len(conv.Args) != 1 || !c.pkg.info.Types[conv.Fun].IsType() {
			break
		}
		arg = ast.Unparen(conv.Args[0])
	}
	id, ok := arg.(*ast.Ident)
	if !ok {
		return parameter{}, false
	}
	par, ok := g.params[c.pkg.info.Uses[id]]
	return par, ok
}

// text returns a call as it is written, on one line.
func (g *graph) text(x *ast.CallExpr) string { return types.ExprString(x) }
