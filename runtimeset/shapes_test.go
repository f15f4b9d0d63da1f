package runtimeset_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/runtimeset/internal/derive"
)

// direct are the runtime's functions that take the call's own arguments, in their order.
var direct = map[string]string{
	"madvise": "madvise", "mmap": "mmap", "mmap2": "mmap", "rt_sigprocmask": "sigprocmask", "munmap": "munmap",
	"sched_getaffinity": "sched_getaffinity",
}

// TestShapesAllowWhatIsPassed: where the source passes constants, as in madvise(v, n, _MADV_HUGEPAGE), the floor allows
// them on that architecture, whose constants may be others.
func TestShapesAllowWhatIsPassed(t *testing.T) {
	tried := 0
	for _, x := range pinned(t) {
		for _, goarch := range derive.Arches {
			arch, _ := kernel.ByName(goarch)
			b := runtimeset.Build{Arch: goarch, Go: x.Version}
			floor := check(t, b, "all.policy", useAll(b)).Floor
			for i := range x.List {
				f := &x.List[i]
				if f.Phase != derive.Always && f.Phase != derive.Crash || !slices.Contains(f.Arches, goarch) {
					continue
				}
				if name, ok := direct[f.Call]; !ok || !strings.HasPrefix(f.How, name+"(") {
					continue
				}
				args := passed(t, arch, f.How)
				tried++
				if !slices.ContainsFunc(floor.Rules, func(r policy.Rule) bool { return r.Name == f.Call && r.Allow.Holds(&args) }) {
					t.Errorf("go%s %s: the floor refuses %s of %s: %#x", x.Version, goarch, f.How, f.Where, args)
				}
			}
		}
	}
	if tried < 300 {
		t.Errorf("%d calls were tried", tried)
	}
}

// passed returns the arguments of a call as it is written. What is no constant is 0, but for the size that
// runtime/os_linux.go:getCPUCount gives its buffer.
func passed(t *testing.T, arch *kernel.Arch, text string) (args [6]uint64) {
	t.Helper()
	x, err := parser.ParseExpr(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for i, arg := range x.(*ast.CallExpr).Args {
		v, known := value(arch, arg)
		switch name, isName := arg.(*ast.Ident); {
		case known:
			args[i] = v
		case isName && strings.HasPrefix(name.Name, "_"):
			t.Errorf("%s: %s is unknown on %s", text, name.Name, arch.Name)
		case i == 1 && strings.HasPrefix(text, "sched_getaffinity"):
			args[i] = 8192
		}
	}
	return args
}

// value evaluates an expression of constants: _PROT_READ | _PROT_WRITE, -1.
func value(arch *kernel.Arch, x ast.Expr) (uint64, bool) {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return value(arch, x.X)
	case *ast.BasicLit:
		v, ok := constant.Uint64Val(constant.MakeFromLiteral(x.Value, x.Kind, 0))
		return v, ok
	case *ast.UnaryExpr:
		v, ok := value(arch, x.X)
		return -v, ok && x.Op == token.SUB
	case *ast.BinaryExpr:
		a, ok1 := value(arch, x.X)
		b, ok2 := value(arch, x.Y)
		return a | b, ok1 && ok2 && x.Op == token.OR
	case *ast.Ident:
		name, ok := strings.CutPrefix(x.Name, "_")
		if name == "MAP_ANON" {
			name = "MAP_ANONYMOUS"
		}
		v, found := arch.Const(name)
		return uint64(v), ok && found
	}
	return 0, false
}
