package beats

import (
	"bytes"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/internal/tree"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Read reads a policy: JSON if the text begins with a brace, otherwise YAML. It may stand under the key seccomp, as in
// a Beat's configuration, under policy, as in elastic's Filter, or alone. The error is rule.Errors: all mistakes of the
// text, each with its place.
func Read(name string, text []byte, o dialect.Options) (*dialect.Reading, error) {
	arch, err := o.Lookup()
	if err != nil {
		return nil, err
	}
	r := &reader{
		Report: dialect.Report{File: name, Approximate: o.Approximate},
		arch:   arch,
		ruled:  make(map[uint32][]policy.Clause),
	}
	parse := tree.YAML
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		parse = tree.JSON
	}
	if n := parse(&r.Report, text); n != nil {
		r.file(n)
	}
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	t := dialect.NewTable(arch, r.ruled, r.fallback, r.fallback)
	return &dialect.Reading{Source: name, Dialect: "Beats", Table: t, Notes: r.Notes}, nil
}

type reader struct {
	dialect.Report
	arch     *kernel.Arch
	fallback policy.Clause
	ruled    map[uint32][]policy.Clause
}

// file finds the policy in a text.
func (r *reader) file(n *tree.Node) {
	if n = undotted(n); n.Kind == tree.Map && n.Get("seccomp") != nil {
		tree.Fields(&r.Report, n, "the configuration", tree.Field{Name: "seccomp", Read: r.policy})
		return
	}
	r.policy(n)
}

// undotted gathers the keys seccomp.enabled, seccomp.syscalls, … under seccomp, as a Beat does.
func undotted(n *tree.Node) *tree.Node {
	const prefix = "seccomp."
	inner := &tree.Node{Kind: tree.Map}
	outer := &tree.Node{Pos: n.Pos, Kind: n.Kind, Text: n.Text}
	for i, k := range n.Keys {
		key, dotted := strings.CutPrefix(k.Text, prefix)
		if dotted {
			if len(inner.Keys) == 0 {
				inner.Pos = k.Pos
			}
			inner.Keys, inner.Items = append(inner.Keys, tree.Key{Pos: k.Pos, Text: key}), append(inner.Items, n.Items[i])
		} else {
			outer.Keys, outer.Items = append(outer.Keys, k), append(outer.Items, n.Items[i])
		}
	}
	if len(inner.Keys) == 0 {
		return n
	}
	if x := outer.Get("seccomp"); x != nil && x.Kind == tree.Map { // both forms: the dotted keys go with the others
		x.Keys, x.Items = append(x.Keys, inner.Keys...), append(x.Items, inner.Items...)
		return outer
	}
	outer.Keys = append(outer.Keys, tree.Key{Pos: inner.Pos, Text: "seccomp"})
	outer.Items = append(outer.Items, inner)
	return outer
}

func (r *reader) policy(n *tree.Node) {
	if n.Kind == tree.Map && n.Get("policy") != nil { // elastic's Filter
		tree.Fields(&r.Report, n, "the filter",
			tree.Field{Name: "no_new_privs", Read: func(x *tree.Node) { tree.Truth(&r.Report, x, "no_new_privs") }},
			tree.Field{Name: "flag", Read: func(x *tree.Node) { tree.Str(&r.Report, x, "flag") }},
			tree.Field{Name: "policy", Read: r.policyProper})
		return
	}
	r.policyProper(n)
}

func (r *reader) policyProper(n *tree.Node) {
	var action, syscalls *tree.Node
	ok := tree.Fields(&r.Report, n, "seccomp",
		tree.Field{Name: "enabled", Read: func(x *tree.Node) {
			if on, ok := tree.Truth(&r.Report, x, "enabled"); ok && !on {
				r.Errorf(dialect.ErrValue, x.Pos, "enabled: false: this policy is not in force; without this line it would be")
			}
		}},
		tree.Field{Name: "default_action", Read: func(x *tree.Node) { action = x }},
		tree.Field{Name: "syscalls", Read: func(x *tree.Node) { syscalls = x }})
	if !ok {
		return
	}
	if len(r.Errs) > 0 && (action == nil || syscalls == nil) { // misspelt
		return
	}
	if action == nil {
		r.Errorf(dialect.ErrSyntax, n.Pos, "default_action is missing: what a call gets that no group names")
	} else if a, ok := r.action(action); ok {
		r.fallback = dialect.Always(a, r.Origin(action.Pos))
	}
	if syscalls == nil || len(syscalls.Items) == 0 && syscalls.Kind <= tree.List {
		r.Errorf(dialect.ErrSyntax, n.Pos, "syscalls is missing: elastic takes no policy without groups")
		return
	}
	tree.Each(&r.Report, syscalls, "syscalls", r.group)
}

func (r *reader) action(n *tree.Node) (a policy.Action, ok bool) {
	word, ok := tree.Word(&r.Report, n, "action", true, actions)
	if !ok {
		return a, false
	}
	a.Kind = kinds[slices.Index(actions, word)]
	switch word {
	case "errno":
		a.Errno = eperm
	case "kill_thread":
		r.Loss(n.Pos, "kill_thread kills one thread and leaves the process half dead, which stagelock never does",
			"the whole process is killed")
	case "trace":
		a.Errno, _ = r.arch.Errno("ENOSYS")
		r.Loss(n.Pos, "trace lets a tracer decide, which stagelock has no action for",
			"the call fails with ENOSYS, as it does where there is no tracer")
	}
	return a, true
}

// group reads one element of syscalls.
func (r *reader) group(n *tree.Node) {
	var action, names, conditional *tree.Node
	ok := tree.Fields(&r.Report, n, "a group of syscalls",
		tree.Field{Name: "action", Read: func(x *tree.Node) { action = x }},
		tree.Field{Name: "names", Read: func(x *tree.Node) { names = x }},
		tree.Field{Name: "names_with_args", Read: func(x *tree.Node) { conditional = x }})
	if !ok {
		return
	}
	if action == nil {
		r.Errorf(dialect.ErrSyntax, n.Pos, "action is missing: what these calls get")
		return
	}
	a, ok := r.action(action)
	seen := make(map[uint32]*tree.Node)
	add := func(x *tree.Node, c policy.Cond) {
		if call, known := r.call(x); known && ok {
			if first := seen[call.Nr]; first != nil && (c == nil || seen[call.Nr].Kind == tree.Null) {
				r.Errorf(dialect.ErrValue, x.Pos, "%s is in this group already, in line %d", x.Text, first.Line)
				return
			}
			seen[call.Nr] = &tree.Node{Pos: x.Pos, Kind: tree.Map}
			if c == nil {
				c, seen[call.Nr].Kind = policy.Const(true), tree.Null
			}
			r.ruled[call.Nr] = append(r.ruled[call.Nr], policy.Clause{If: c, Action: a, Origin: r.Origin(x.Pos)})
		}
	}
	if names != nil {
		tree.Each(&r.Report, names, "names", func(x *tree.Node) { add(x, nil) })
	}
	if conditional != nil {
		tree.Each(&r.Report, conditional, "names_with_args", func(x *tree.Node) { r.withArgs(x, add) })
	}
}

// call returns the call of a name. elastic takes no policy that names one that the architecture lacks.
func (r *reader) call(x *tree.Node) (kernel.Call, bool) {
	name, ok := tree.Str(&r.Report, x, "the name of a call")
	if !ok {
		return kernel.Call{}, false
	}
	call, ok := r.arch.Call(name)
	switch {
	case ok:
	case kernel.KnownCall(name):
		r.Errorf(dialect.ErrUnknown, x.Pos, "%s has no system call %s, and elastic takes no policy that names one", r.arch.Name,
			name)
	default:
		r.Errorf(dialect.ErrUnknown, x.Pos, "unknown system call %q%s", name, rule.DidYouMean(name, kernel.CallNames()))
	}
	return call, ok
}

// withArgs reads a call with conditions on its arguments, all of which must hold.
func (r *reader) withArgs(n *tree.Node, add func(*tree.Node, policy.Cond)) {
	var name, arguments *tree.Node
	ok := tree.Fields(&r.Report, n, "an entry of names_with_args",
		tree.Field{Name: "name", Read: func(x *tree.Node) { name = x }},
		tree.Field{Name: "arguments", Read: func(x *tree.Node) { arguments = x }})
	switch {
	case !ok:
		return
	case name == nil:
		r.Errorf(dialect.ErrSyntax, n.Pos, "name is missing: which call this is about")
		return
	case arguments == nil || arguments.Kind == tree.Null || arguments.Kind == tree.List && len(arguments.Items) == 0:
		r.Errorf(dialect.ErrSyntax, n.Pos, "arguments is missing: a call without conditions stands in names")
		return
	}
	all := policy.And{}
	tree.Each(&r.Report, arguments, "arguments", func(x *tree.Node) {
		if c := r.condition(x); c != nil {
			all = append(all, c)
		}
	})
	if len(all) == 1 {
		add(name, all[0])
	} else {
		add(name, all)
	}
}

// condition reads one comparison, nil if it can't.
func (r *reader) condition(n *tree.Node) policy.Cond {
	var operation string
	var arg, value uint64
	ok := true
	argument := tree.Field{Name: "argument", Read: func(x *tree.Node) {
		v, valid := tree.Uint(&r.Report, x, "argument", 5)
		arg, ok = v, ok && valid
	}}
	position := argument // what elastic's type is called in JSON
	position.Name = "position"
	isMap := tree.Fields(&r.Report, n, "a condition", argument, position,
		tree.Field{Name: "operation", Read: func(x *tree.Node) {
			word, valid := tree.Word(&r.Report, x, "operation", true, operations)
			operation, ok = word, ok && valid
		}},
		tree.Field{Name: "value", Read: func(x *tree.Node) {
			v, valid := tree.Uint(&r.Report, x, "value", 1<<64-1)
			value, ok = v, ok && valid
		}})
	switch {
	case !isMap || !ok:
		return nil
	case n.Get("argument") != nil && n.Get("position") != nil:
		r.Errorf(dialect.ErrValue, n.Pos, "argument and position are the same: take one of them")
		return nil
	case operation == "":
		r.Errorf(dialect.ErrSyntax, n.Pos, "operation is missing: there are %s", strings.Join(operations, ", "))
		return nil
	}
	return condition(uint8(arg), slices.Index(operations, operation), value)
}
