package derive

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A source holds the files of a release that were parsed already: most are the same on all architectures.
type source struct {
	toolchain Toolchain
	fset      *token.FileSet
	mu        sync.Mutex
	files     map[string]*ast.File
}

func newSource(t Toolchain) *source {
	return &source{toolchain: t, fset: token.NewFileSet(), files: make(map[string]*ast.File)}
}

func (s *source) parse(name string) (*ast.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.files[name]; ok {
		return f, nil
	}
	f, err := parser.ParseFile(s.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err == nil {
		s.files[name] = f
	}
	return f, err
}

// place returns a file's path below src.
func (s *source) place(pos token.Pos) string {
	return s.below(s.fset.Position(pos).Filename)
}

func (s *source) below(file string) string {
	rel, err := filepath.Rel(filepath.Join(s.toolchain.Root, "src"), file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// A tree is the standard library of a release as it is built for one architecture, without cgo.
type tree struct {
	*source
	arch string
	ctx  build.Context
	std  map[string]*pkg // all packages, by path
}

// A pkg is a package; what it is made of is filled in when it is needed.
type pkg struct {
	*build.Package
	path  string
	open  bool // its functions' bodies are read, not only their types
	files []*ast.File
	types *types.Package
	info  *types.Info
}

// load reads the packages whose functions can make system calls, and the types of those that they import.
func (s *source) load(goarch string) (*tree, error) {
	t := &tree{source: s, arch: goarch, std: make(map[string]*pkg)}
	tags, err := s.toolchain.experiments(goarch)
	if err != nil {
		return nil, err
	}
	t.ctx = build.Context{GOARCH: goarch, GOOS: "linux", GOROOT: s.toolchain.Root, Compiler: "gc", ToolTags: tags}
	minor, err := strconv.Atoi(strings.Split(s.toolchain.Version, ".")[1])
	if err != nil {
		return nil, fmt.Errorf("go%s: %w", s.toolchain.Version, err)
	}
	for n := 1; n <= minor; n++ {
		t.ctx.ReleaseTags = append(t.ctx.ReleaseTags, "go1."+strconv.Itoa(n))
	}
	if err := t.list(); err != nil {
		return nil, err
	}
	for _, p := range t.std {
		p.open = isRuntime(p.path) || isLeaf(p.path) || slices.ContainsFunc(p.Imports, isLeaf) || linked[p.path]
	}
	for _, p := range t.std {
		if p.open {
			if _, err := t.check(p.path); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// isRuntime tells whether a package is part of the runtime.
func isRuntime(path string) bool {
	return path == "runtime" || strings.HasPrefix(path, "runtime/internal/") || strings.HasPrefix(path, "internal/runtime/")
}

// isLeaf tells whether a package is there to make system calls for others.
func isLeaf(path string) bool {
	switch path {
	case "syscall", "internal/syscall/unix", "internal/syscall/execenv", "internal/runtime/syscall",
		"internal/runtime/syscall/linux", "runtime/internal/syscall":
		return true
	}
	return false
}

// linked are packages that reach the runtime's system calls by go:linkname only.
var linked = map[string]bool{"internal/cpu": true, "os/signal": true, "runtime/pprof": true, "runtime/debug": true}

// list finds the packages of the standard library.
func (t *tree) list() error {
	src := filepath.Join(t.toolchain.Root, "src")
	return filepath.WalkDir(src, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		switch rel := t.below(dir); {
		case rel == "cmd" || entry.Name() == "testdata":
			return filepath.SkipDir
		case rel == "." || rel == "builtin":
			return nil
		default:
			p, err := t.ctx.ImportDir(dir, 0)
			var none *build.NoGoError
			if errors.As(err, &none) {
				return nil
			}
			if err != nil {
				return err
			}
			path := strings.TrimPrefix(rel, "vendor/")
			t.std[path] = &pkg{Package: p, path: path}
			return nil
		}
	})
}

// Import makes a tree the importer of its own packages.
func (t *tree) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	p, err := t.check(path)
	if err != nil {
		return nil, err
	}
	return p.types, nil
}

// check gives a package its types.
func (t *tree) check(path string) (*pkg, error) {
	p, ok := t.std[path]
	if !ok {
		return nil, fmt.Errorf("no package %s in go%s", path, t.toolchain.Version)
	}
	if p.types != nil {
		return p, nil
	}
	for _, name := range p.GoFiles {
		f, err := t.parse(filepath.Join(p.Dir, name))
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
	}
	if p.open {
		p.info = &types.Info{
			Types: make(map[ast.Expr]types.TypeAndValue),
			Defs:  make(map[*ast.Ident]types.Object),
			Uses:  make(map[*ast.Ident]types.Object),
		}
	}
	conf := types.Config{Importer: t, Sizes: types.SizesFor("gc", t.arch), IgnoreFuncBodies: !p.open}
	var err error
	p.types, err = conf.Check(path, t.fset, p.files, p.info)
	if err != nil {
		return nil, fmt.Errorf("go%s, %s: %w", t.toolchain.Version, t.arch, err)
	}
	return p, nil
}
