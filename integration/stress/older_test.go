//go:build linux

package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// caseFiles are what the program does; main.go and this module are too new for Go releases before its go line.
var caseFiles = []string{"area.go", "crash.go", "memory.go", "poll.go", "signals.go", "threads.go"}

// olderModule writes a module with the cases for an older release: what they say in newer Go is said in older, and
// testdata/older locks.
func olderModule(t *testing.T, release string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	main, err := os.ReadFile("testdata/older/main.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"main.go": main, "go.mod": fmt.Appendf(nil, "module older\n\ngo %s\n", release)}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range caseFiles {
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	info := types.Info{Types: make(map[ast.Expr]types.TypeAndValue)}
	// What is imported is not looked at: the types of numbers are known without.
	config := types.Config{Error: func(error) {}, FakeImportC: true}
	config.Check("older", set, parsed, &info)
	for i, f := range parsed {
		var b bytes.Buffer
		countInOlderGo(f, &info)
		if err := format.Node(&b, set, f); err != nil {
			t.Fatal(err)
		}
		files[caseFiles[i]] = b.Bytes()
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// countInOlderGo turns `for i := range n`, of Go 1.22, into a loop that has an i of its own in each round, as there.
func countInOlderGo(f *ast.File, info *types.Info) {
	rewrite := func(list []ast.Stmt) {
		for k, s := range list {
			loop, ok := s.(*ast.RangeStmt)
			if !ok {
				continue
			}
			basic, ok := info.TypeOf(loop.X).(*types.Basic)
			if !ok || basic.Info()&types.IsInteger == 0 {
				continue
			}
			i := ast.NewIdent("counted")
			if own, ok := loop.Key.(*ast.Ident); ok && own.Name != "_" {
				bind := &ast.AssignStmt{Lhs: []ast.Expr{own}, Tok: token.DEFINE, Rhs: []ast.Expr{i}}
				loop.Body.List = append([]ast.Stmt{bind}, loop.Body.List...)
			}
			list[k] = &ast.ForStmt{
				For:  loop.For,
				Init: &ast.AssignStmt{Lhs: []ast.Expr{i}, Tok: token.DEFINE, Rhs: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: "0"}}},
				Cond: &ast.BinaryExpr{X: i, Op: token.LSS, Y: loop.X},
				Post: &ast.IncDecStmt{X: i, Tok: token.INC},
				Body: loop.Body,
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			rewrite(n.List)
		case *ast.CaseClause:
			rewrite(n.Body)
		case *ast.CommClause:
			rewrite(n.Body)
		}
		return true
	})
}

// olderFilter compiles what the program would compile itself: the floor, and the sets of a case.
func olderFilter(b runtimeset.Build, deny, sets string, pid int) ([]byte, error) {
	a, ok := kernel.ByName(b.Arch)
	if !ok {
		return nil, fmt.Errorf("no architecture %s", b.Arch)
	}
	f, err := rule.Parse("stress.policy", policyText(deny, sets))
	if err != nil {
		return nil, err
	}
	p, err := policy.Check(f, policy.Target{Arch: a, Sets: runtimeset.For(b)})
	if err != nil {
		return nil, err
	}
	plan, err := stage.New(p, stage.Env{"self.pid": uint64(pid)})
	if err != nil {
		return nil, err
	}
	programs, err := filter.Compile(plan.Stages[0].Table, filter.Options{})
	if err != nil {
		return nil, err
	}
	if len(programs) != 1 {
		return nil, fmt.Errorf("%d programs", len(programs))
	}
	return programs[0].Raw(), nil
}

// startWithFilter starts a command with the filter on descriptor 3. It is made for that process: it knows its pid.
func (b build) startWithFilter(cmd *exec.Cmd, name, deny string) error {
	all := slices.Concat(memoryCases, threadCases, pollCases, signalCases, crashCases, areaCases)
	sets := all[slices.IndexFunc(all, func(c stressCase) bool { return c.name == name })].sets
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		return err
	}
	program, err := olderFilter(runtimeset.Build{Arch: b.arch, Go: b.older, Cgo: b.cgo}, deny, sets, cmd.Process.Pid)
	if err == nil {
		_, err = w.Write(program)
	}
	return err
}
