package derive

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
)

// A Phase is when a call can be made.
type Phase string

const (
	Start   Phase = "start"   // while the process starts, and not after
	Always  Phase = "always"  // at any moment, whatever the program does
	Crash   Phase = "crash"   // while the process dies of a fault of its own or of a signal
	Profile Phase = "profile" // by the CPU profile
	Debug   Phase = "debug"   // by a debugger
	Asked   Phase = "asked"   // where the program uses a certain function of the runtime or of the standard library
)

var phases = []Phase{Start, Always, Crash, Profile, Debug, Asked}

// gates are functions that begin a phase: what only they lead to belongs to it.
var gates = map[string]struct {
	phase Phase
	why   string
}{
	"runtime.throw":          {Crash, "the runtime finds itself broken"},
	"runtime.fatal":          {Crash, "the program has broken a rule of the runtime's"},
	"runtime.fatalthrow":     {Crash, "the same, with its traceback printed"},
	"runtime.fatalpanic":     {Crash, "a panic that nobody recovers"},
	"runtime.dieFromSignal":  {Crash, "a signal that nobody asked for ends the process"},
	"runtime.raisebadsignal": {Crash, "a signal on a thread that isn't Go's ends the process"},
	"runtime.crash":          {Crash, "GOTRACEBACK=crash: a core file is wanted"},
	"runtime.fatalsignal":    {Crash, "a fault in code that must not fault"},

	"runtime.setcpuprofilerate":     {Profile, "the CPU profile goes on or off"},
	"runtime.setThreadCPUProfiler":  {Profile, "a thread's timer for the CPU profile"},
	"runtime.setProcessCPUProfiler": {Profile, "the process's timer for the CPU profile"},

	"runtime.debugCallWrap": {Debug, "a debugger calls a function"},
}

// idle are functions of the runtime that nothing calls in some releases or on some architectures: those of others do.
// Where something does, they are as good as any.
var idle = map[string]bool{
	"runtime.nonblockingPipe":     true, // the poller, up to go1.22
	"runtime.closeonexec":         true, // the same
	"runtime.setNonblock":         true, // the same
	"runtime.create":              true, // dumps of other systems
	"runtime.newosproc0":          true, // libraries for C, which are not to be had on s390x
	"runtime.sysHugePageCollapse": true, // up to go1.21.0
	"runtime.getKernelVersion":    true, // 32-bit systems, from go1.26
}

// begins tells whether a function is where the process starts.
func (n *node) begins() bool {
	return n.pkg != nil && n.initial && isRuntime(n.pkg.path) || strings.HasPrefix(n.id, "_rt0_") || n.id == "main" ||
		n.id == "runtime.rt0_go" || n.id == "runtime.rt0_lib_go" || n.id == "runtime.main"
}

// stub tells whether a function does nothing but make a call.
func (n *node) stub() bool { return n.asm != nil && len(n.sites) > 0 && len(n.refs) == 0 }

// unasked tells whether a function of the runtime runs without the program's asking: the compiler puts calls of it into
// code, a signal or the linker leads to it, or it is a goroutine or thread of its own.
func (g *graph) unasked(n *node) bool {
	if n.pkg == nil || !isRuntime(n.pkg.path) || isLeaf(n.pkg.path) || n.begins() || idle[n.id] {
		return false
	}
	unmentioned := len(n.by) == 0 && !n.linked && !(n.stub() && n.declared) && !(n.exported && n.pkg.path == "runtime")
	return unmentioned || n.pkg.path == "runtime" && g.builtin[n.name]
}

// asked tells whether a function is one that the program can call, by itself or through another package.
func (n *node) asked() bool {
	switch {
	case n.pkg == nil || n.begins() || n.initial || idle[n.id] || aside(n.pkg.path):
		return false
	case isRuntime(n.pkg.path):
		return n.linked || n.exported && n.pkg.path == "runtime"
	case isLeaf(n.pkg.path):
		return n.linked
	}
	return n.linked || n.exported || len(n.by) == 0
}

// A reach is the functions that can run in a phase.
type reach map[*node]bool

// from follows references from functions that pick chooses, and doesn't go through gates.
func (g *graph) from(pick func(*node) bool) reach {
	r := make(reach)
	var follow func(n *node)
	follow = func(n *node) {
		if r[n] {
			return
		}
		r[n] = true
		for id := range n.refs {
			to, ok := g.nodes[g.real(id)]
			if _, gate := gates[g.real(id)]; ok && !gate {
				follow(to)
			}
		}
	}
	for _, n := range g.nodes {
		if pick(n) {
			follow(n)
		}
	}
	return r
}

// phases returns when each function can run.
func (g *graph) phases() func(n *node) []Phase {
	open := func(n *node) bool { _, gate := gates[n.id]; return !gate }
	start := g.from(func(n *node) bool { return n.begins() || n.initial })
	left := make(map[*node]bool) // what the start leaves behind: goroutines, threads, handlers of signals, hooks
	for n := range start {
		for id := range n.later {
			if to, ok := g.nodes[g.real(id)]; ok && to.pkg != nil && !to.begins() && !aside(to.pkg.path) {
				left[to] = true
			}
		}
	}
	always := g.from(func(n *node) bool { return (g.unasked(n) || left[n] && isRuntime(n.pkg.path)) && open(n) })
	others := map[Phase]reach{
		Start: start,
		Asked: g.from(func(n *node) bool { return (n.asked() || left[n] && !isLeaf(n.pkg.path)) && open(n) }),
	}
	for _, p := range []Phase{Crash, Profile, Debug} {
		others[p] = g.from(func(n *node) bool { return gates[n.id].phase == p })
	}
	return func(n *node) (list []Phase) {
		if always[n] {
			return []Phase{Always}
		}
		for p, r := range others {
			if r[n] && !(p == Start && others[Asked][n]) {
				list = append(list, p)
			}
		}
		slices.SortFunc(list, func(a, b Phase) int { return slices.Index(phases, a) - slices.Index(phases, b) })
		return list
	}
}

// builtins returns the functions of the runtime that the compiler puts calls of into code.
func (s *source) builtins() (map[string]bool, error) {
	f, err := s.parse(filepath.Join(s.toolchain.Root, "src", "cmd", "compile", "internal", "typecheck", "_builtin", "runtime.go"))
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok {
			names[d.Name.Name] = true
		}
	}
	return names, nil
}
