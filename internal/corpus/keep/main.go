// Command keep takes what `go test -fuzz` has put into its cache for the packages of this module over into the tree, as
// package corpus reads it. It runs at the top of the tree.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/stagelock/seccomp/internal/corpus"
)

const module = "github.com/stagelock/seccomp"

func main() {
	if err := keep(); err != nil {
		fmt.Fprintln(os.Stderr, "keep:", err)
		os.Exit(1)
	}
}

func keep() error {
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	top := filepath.Join(string(bytes.TrimSpace(cache)), "fuzz", filepath.FromSlash(module))
	targets, err := found(top)
	if err != nil {
		return err
	}
	for target, fresh := range targets {
		dir, name := filepath.Split(target)
		file := filepath.Join(dir, corpus.File(name))
		kept, err := corpus.Read(file)
		if err != nil {
			return err
		}
		if err := corpus.Write(file, append(kept, fresh...)); err != nil {
			return err
		}
		fmt.Printf("%s: %d inputs in the tree, %d in the cache\n", file, len(kept), len(fresh))
	}
	return nil
}

// errShape means that a target takes something else than what package corpus has.
var errShape = errors.New("not one []byte or string")

// found returns the inputs in the cache by the directory of their target, seen from top.
func found(top string) (map[string][]string, error) {
	targets := make(map[string][]string)
	err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		input, err := read(path)
		if errors.Is(err, errShape) {
			fmt.Println("not kept:", err)
			return fs.SkipDir // the rest of the target's
		}
		if err != nil {
			return err
		}
		target, err := filepath.Rel(top, filepath.Dir(path))
		targets[target] = append(targets[target], input)
		return err
	})
	return targets, err
}

// read returns the one argument in a file of the encoding "go test fuzz v1": []byte("…") or string("…").
func read(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	_, argument, _ := bytes.Cut(text, []byte("\n"))
	x, err := parser.ParseExpr(string(bytes.TrimSpace(argument)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, errShape)
	}
	if call, ok := x.(*ast.CallExpr); ok && len(call.Args) == 1 {
		if literal, ok := call.Args[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			return strconv.Unquote(literal.Value)
		}
	}
	return "", fmt.Errorf("%s: %w", file, errShape)
}
