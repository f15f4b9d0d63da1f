package derive

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/stagelock/seccomp/internal/kernel"
)

// A Finding is a call that a function can make in a phase, and the architectures on which it can.
type Finding struct {
	Call   string // the kernel's name of it
	Stub   string // the function that makes it, as file:function below src; a * stands for the architecture
	Phase  Phase
	Where  string   // the function that has it made, likewise; the stub itself if that is all there is to say
	How    string   // what Where calls for it
	Arches []string // in order
}

// Findings are those of a release.
type Findings struct {
	Version string // as in 1.26.8
	List    []Finding
}

// byTheKernel are calls that are in no source of Go's.
var byTheKernel = []Finding{
	{Call: "restart_syscall", Stub: "kernel", Phase: Always, Where: "kernel/signal.c:do_signal", How: "in place of a sleep that SIGSTOP and SIGCONT interrupted"},
	{Call: "rt_sigreturn", Stub: "kernel", Phase: Always, Where: "arch/*/vdso:__kernel_rt_sigreturn", How: "the end of a signal's handler, where sigaction names no restorer"},
}

// many is the number of functions from which on those that have a call made are not told apart.
const many = 8

// Derive reads a release for some architectures.
func (t Toolchain) Derive(arches ...string) (*Findings, error) {
	s := newSource(t)
	lists, errs := make([][]Finding, len(arches)), make([]error, len(arches))
	var done sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0)) // each holds the types of an architecture: some 200 MB
	for i, arch := range arches {
		done.Add(1)
		go func() {
			defer done.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			lists[i], errs[i] = s.derive(arch)
		}()
	}
	done.Wait()
	all := &Findings{Version: t.Version}
	for i, list := range lists {
		if errs[i] != nil {
			return nil, errs[i]
		}
		all.List = append(all.List, list...)
	}
	all.fold()
	return all, nil
}

// derive reads a release for one architecture.
func (s *source) derive(goarch string) ([]Finding, error) {
	arch, ok := kernel.ByName(goarch)
	if !ok {
		return nil, fmt.Errorf("no architecture %s", goarch)
	}
	t, err := s.load(goarch)
	if err != nil {
		return nil, err
	}
	g, err := t.graph()
	if err != nil {
		return nil, err
	}
	f := finder{graph: g, kernel: arch, phases: g.phases()}
	for _, n := range g.nodes {
		if n.pkg == nil || aside(n.pkg.path) {
			continue
		}
		for _, call := range f.makes(n) {
			f.found(call, n)
		}
	}
	for _, x := range byTheKernel {
		x.Arches = []string{goarch}
		f.list = append(f.list, x)
	}
	crowds(f.list)
	return f.list, nil
}

// aside tells whether a package is there for tests or for making Go, and in no program.
func aside(path string) bool {
	return slices.Contains([]string{"internal/fuzz", "internal/testenv", "golang.org/x/net/nettest"}, path) ||
		strings.HasPrefix(path, "internal/runtime/gc/internal/") || strings.HasSuffix(path, "test")
}

// A finder collects what is found for an architecture.
type finder struct {
	*graph
	kernel *kernel.Arch
	phases func(*node) []Phase
	list   []Finding
}

// makes returns the names of the calls that a function makes.
func (f *finder) makes(n *node) (calls []string) {
	for _, s := range n.sites {
		call := fmt.Sprintf("nr(%d)", s.nr) // one that the kernel doesn't have, as utime on arm: package syscall does
		if c, ok := f.kernel.CallNr(s.nr); ok {
			call = c.Name
		}
		calls = append(calls, call)
	}
	var symbols []string
	if n.asm != nil {
		symbols = n.asm.vdso
	}
	for id := range n.refs {
		if sym, ok := strings.CutPrefix(id, "vdso:"); ok {
			symbols = append(symbols, sym)
		}
	}
	for _, sym := range symbols { // what the vDSO can't answer by itself it asks the kernel
		if c, ok := f.kernel.Call(f.vdso[sym]); ok {
			calls = append(calls, c.Name)
		}
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// thin are functions of the runtime that only hand a call on: who calls them is more telling.
var thin = map[string]bool{
	"runtime.mmap": true, "runtime.munmap": true, "runtime.sigprocmask": true, "runtime.write": true,
	"runtime.sigaction": true, "runtime.sysSigaction": true, "runtime.fcntl": true, "runtime.mprotect": true,
	"runtime.futex": true, "runtime.timer_settime": true, "runtime.usleep_no_g": true, "runtime.osyield_no_g": true,
	"runtime.nanotime": true,
}

// found notes who has the stub make a call.
func (f *finder) found(call string, stub *node) {
	through := make(map[*node]bool)
	var climb func(n, callee *node)
	climb = func(n, callee *node) {
		if n.pkg == nil || aside(n.pkg.path) || through[n] || n.variable && len(n.by) == 0 {
			return
		}
		if len(n.by) > 0 && !n.begins() && (n.asm != nil || n.variable || thin[n.id] || isLeaf(n.pkg.path)) {
			through[n] = true
			for id := range n.by {
				climb(f.nodes[id], n)
			}
			return
		}
		how := []string{""}
		if callee != nil {
			how = f.says(n, callee)
		}
		for _, p := range f.phases(n) {
			for _, h := range how {
				f.list = append(f.list, Finding{call, f.placed(stub), p, f.placed(n), h, []string{f.arch}})
			}
		}
	}
	climb(stub, nil)
}

// says returns how a function calls another: with the constants that it passes, if there are some.
func (f *finder) says(n, callee *node) (list []string) {
	for id, texts := range n.texts {
		if f.real(id) == callee.id {
			list = append(list, texts...)
		}
	}
	if len(list) == 0 {
		return []string{callee.name}
	}
	return list
}

// placed returns file:function, with a * for the architecture in the file's name.
func (f *finder) placed(n *node) string {
	dir, base := path.Split(n.file)
	stem, ext, _ := strings.Cut(base, ".")
	names := []string{f.arch}
	switch f.arch {
	case "ppc64le":
		names = append(names, "ppc64x")
	case "mips64le":
		names = append(names, "mips64x")
	}
	for _, a := range names {
		if s, ok := strings.CutSuffix(stem, "_"+a); ok {
			stem = s + "_*"
		}
	}
	return dir + stem + "." + ext + ":" + n.name
}

// crowds leaves out who has a call made where there are many.
func crowds(list []Finding) {
	type key struct {
		call, stub string
		phase      Phase
	}
	callers := make(map[key][]string)
	for _, f := range list {
		k := key{f.Call, f.Stub, f.Phase}
		if !slices.Contains(callers[k], f.Where) {
			callers[k] = append(callers[k], f.Where)
		}
	}
	for i := range list {
		f := &list[i]
		if len(callers[key{f.Call, f.Stub, f.Phase}]) > many && f.Phase != Asked {
			f.Where, f.How = f.Stub, ""
		}
	}
}

// fold joins what is found on several architectures.
func (x *Findings) fold() {
	slices.SortFunc(x.List, compare)
	folded := x.List[:0]
	for _, f := range x.List {
		if n := len(folded); n > 0 && folded[n-1].same(&f) {
			last := &folded[n-1]
			for _, a := range f.Arches {
				if !slices.Contains(last.Arches, a) {
					last.Arches = append(slices.Clip(last.Arches), a)
				}
			}
			continue
		}
		folded = append(folded, f)
	}
	x.List = folded
}

// same tells whether two findings differ in their architectures only.
func (f *Finding) same(other *Finding) bool {
	return f.Call == other.Call && f.Stub == other.Stub && f.Phase == other.Phase && f.Where == other.Where && f.How == other.How
}

// On returns what was found on some architectures.
func (x *Findings) On(arches ...string) *Findings {
	only := &Findings{Version: x.Version}
	for _, f := range x.List {
		var list []string
		for _, a := range f.Arches {
			if slices.Contains(arches, a) {
				list = append(list, a)
			}
		}
		if f.Arches = list; len(list) > 0 {
			only.List = append(only.List, f)
		}
	}
	return only
}

// compare orders findings as they are written.
func compare(a, b Finding) int {
	for _, c := range []int{
		strings.Compare(a.Call, b.Call), strings.Compare(a.Stub, b.Stub),
		slices.Index(phases, a.Phase) - slices.Index(phases, b.Phase),
		strings.Compare(a.Where, b.Where), strings.Compare(a.How, b.How),
		slices.Compare(a.Arches, b.Arches),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}
