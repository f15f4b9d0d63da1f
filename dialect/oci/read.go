package oci

import (
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/internal/tree"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Read reads a profile. The error is rule.Errors: all mistakes of the text, each with its place.
func Read(name string, text []byte, o Options) (*dialect.Reading, error) {
	arch, err := o.Lookup()
	if err != nil {
		return nil, err
	}
	r := &reader{
		Report: dialect.Report{File: name, Approximate: o.Approximate},
		arch:   arch,
		caps:   o.Caps,
		calls:  make(map[string][]entry),

		anyKernel: o.Kernel == "",
	}
	if r.kernel, err = version(o.Kernel); err != nil {
		return nil, err
	}
	if n := tree.JSON(&r.Report, text); n != nil {
		r.file(n)
	}
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	t := r.table()
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	return &dialect.Reading{Source: name, Dialect: "OCI", Table: t, Notes: r.Notes}, nil
}

type reader struct {
	dialect.Report
	arch   *kernel.Arch
	caps   []string
	kernel [2]uint64

	anyKernel bool // or a later one

	fallback      policy.Action // defaultAction
	fallbackPos   rule.Pos
	fallbackErrno *tree.Node
	fallbackName  string
	order         []string // the calls in the order of their first entry
	calls         map[string][]entry
	listener      bool // listenerPath is said
}

// file finds the profile in a text: a config.json has it in linux.seccomp.
func (r *reader) file(n *tree.Node) {
	if n.Kind == tree.Map && n.Get("ociVersion") != nil {
		linux := n.Get("linux")
		if linux == nil || linux.Get("seccomp") == nil {
			r.Errorf(dialect.ErrValue, n.Pos, "this config.json has no linux.seccomp: a container of it gets no filter")
			return
		}
		n = linux.Get("seccomp")
	}
	r.profile(n)
}

func (r *reader) profile(n *tree.Node) {
	var action, architectures, archMap, syscalls *tree.Node
	keep := func(to **tree.Node) func(*tree.Node) { return func(x *tree.Node) { *to = x } }
	ok := tree.Fields(&r.Report, n, "the profile",
		tree.Field{Name: "defaultAction", Read: keep(&action)},
		tree.Field{Name: "defaultErrnoRet", Read: keep(&r.fallbackErrno)},
		tree.Field{Name: "defaultErrno", Read: func(x *tree.Node) { tree.Str(&r.Report, x, "defaultErrno") }},
		tree.Field{Name: "architectures", Read: keep(&architectures)},
		tree.Field{Name: "archMap", Read: keep(&archMap)},
		tree.Field{Name: "flags", Read: r.flags},
		tree.Field{Name: "listenerPath", Read: func(x *tree.Node) { _, r.listener = tree.Str(&r.Report, x, "listenerPath") }},
		tree.Field{Name: "listenerMetadata", Read: func(x *tree.Node) { tree.Str(&r.Report, x, "listenerMetadata") }},
		tree.Field{Name: "syscalls", Read: keep(&syscalls)},
	)
	if !ok {
		return
	}
	if action == nil {
		if len(r.Errs) == 0 { // else it is misspelt
			r.Errorf(dialect.ErrSyntax, n.Pos, "defaultAction is missing: what a call gets that no entry names")
		}
		return
	}
	r.fallbackPos = action.Pos
	r.fallback, r.fallbackName, ok = r.action(action, r.fallbackErrno, "defaultErrnoRet")
	if !ok {
		return
	}
	if architectures != nil && architectures.Kind != tree.Null && archMap != nil && archMap.Kind != tree.Null {
		r.Errorf(dialect.ErrValue, archMap.Pos, "both architectures and archMap are there: Docker takes one of them")
	}
	if architectures != nil {
		r.architectures(architectures)
	}
	if archMap != nil {
		r.archMap(archMap)
	}
	if syscalls != nil {
		tree.Each(&r.Report, syscalls, "syscalls", r.entry)
	}
}

// action reads an action and its errno. name is what the profile calls it.
func (r *reader) action(n, errno *tree.Node, errnoKey string) (a policy.Action, name string, ok bool) {
	name, ok = tree.Word(&r.Report, n, "action", false, actionNames())
	code := uint64(eperm)
	if errno != nil && errno.Kind != tree.Null {
		v, valid := tree.Uint(&r.Report, errno, errnoKey, 4095)
		code, ok = v, ok && valid
	}
	if !ok {
		return a, name, false
	}
	a.Kind = actions[name]
	switch name {
	case "SCMP_ACT_ERRNO":
		if code == 0 {
			r.Loss(errno.Pos, "errno 0 makes a refused call look as if it had succeeded", "it fails with EPERM")
			code = eperm
		}
		a.Errno = uint16(code)
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		r.Loss(n.Pos, name+" kills one thread and leaves the process half dead, which stagelock never does",
			"the whole process is killed")
	case "SCMP_ACT_TRACE":
		a.Errno = r.enosys()
		r.Loss(n.Pos, name+" lets a tracer decide, which stagelock has no action for",
			"the call fails with ENOSYS, as it does where there is no tracer")
	case "SCMP_ACT_NOTIFY":
		a.Errno = r.enosys()
		r.Loss(n.Pos, name+" lets another process decide, which stagelock has no action for",
			"the call fails with ENOSYS, as it does where nobody listens")
	}
	return a, name, true
}

func (r *reader) enosys() uint16 {
	n, _ := r.arch.Errno("ENOSYS")
	return n
}

func (r *reader) flags(n *tree.Node) {
	tree.Each(&r.Report, n, "flags", func(x *tree.Node) {
		if name, ok := tree.Word(&r.Report, x, "flag", false, flags); ok {
			r.Notef(x.Pos, "the flag %s says how a filter is installed, not what it does, and isn't carried over", name)
		}
	})
}

func (r *reader) architectures(n *tree.Node) {
	var others []string
	tree.Each(&r.Report, n, "architectures", func(x *tree.Node) {
		if name, ok := tree.Word(&r.Report, x, "architecture", false, archNames()); ok && name != arches[r.arch.Name] {
			others = append(others, name)
		}
	})
	r.noteOthers(n.Pos, others)
}

// noteOthers says that entries of other architectures aren't carried over.
func (r *reader) noteOthers(at rule.Pos, others []string) {
	if len(others) > 0 {
		r.Notef(at, "this is for %s alone: a call that enters through %s kills the process", arches[r.arch.Name],
			strings.Join(others, " or "))
	}
}

func (r *reader) archMap(n *tree.Node) {
	tree.Each(&r.Report, n, "archMap", func(x *tree.Node) {
		var own bool
		var others []string
		var at rule.Pos
		tree.Fields(&r.Report, x, "archMap",
			tree.Field{Name: "architecture", Read: func(x *tree.Node) {
				name, ok := tree.Word(&r.Report, x, "architecture", false, archNames())
				own, at = ok && name == arches[r.arch.Name], x.Pos
			}},
			tree.Field{Name: "subArchitectures", Read: func(x *tree.Node) {
				tree.Each(&r.Report, x, "subArchitectures", func(x *tree.Node) {
					if name, ok := tree.Word(&r.Report, x, "architecture", false, archNames()); ok {
						others = append(others, name)
					}
				})
			}})
		if own {
			r.noteOthers(at, others)
		}
	})
}
