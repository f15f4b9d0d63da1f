package oci

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/internal/tree"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// entry reads one of syscalls.
func (r *reader) entry(n *tree.Node) {
	var action, errno, args *tree.Node
	var names []*tree.Node
	always, sometimes := true, true // in the circumstances that it is for
	circumstances := func(include bool) func(*tree.Node) {
		return func(x *tree.Node) {
			a, s := r.circumstances(x, include)
			always, sometimes = always && a, sometimes && s
		}
	}
	name := func(x *tree.Node) {
		if _, ok := tree.Str(&r.Report, x, "the name of a call"); ok {
			names = append(names, x)
		}
	}
	ok := tree.Fields(&r.Report, n, "an entry of syscalls",
		tree.Field{Name: "names", Read: func(x *tree.Node) { tree.Each(&r.Report, x, "names", name) }},
		tree.Field{Name: "name", Read: name},
		tree.Field{Name: "action", Read: func(x *tree.Node) { action = x }},
		tree.Field{Name: "errnoRet", Read: func(x *tree.Node) { errno = x }},
		tree.Field{Name: "errno", Read: func(x *tree.Node) { tree.Str(&r.Report, x, "errno") }},
		tree.Field{Name: "args", Read: func(x *tree.Node) { args = x }},
		tree.Field{Name: "comment", Read: func(*tree.Node) {}},
		tree.Field{Name: "includes", Read: circumstances(true)},
		tree.Field{Name: "excludes", Read: circumstances(false)},
	)
	if !ok {
		return
	}
	if n.Get("name") != nil && len(names) > 1 {
		r.Errorf(dialect.ErrValue, n.Get("name").Pos, "both name and names are there: Docker takes one of them")
	}
	if action == nil {
		r.Errorf(dialect.ErrSyntax, n.Pos, "action is missing: what these calls get")
		return
	}
	terms, ok := r.args(args)
	known := r.known(slices.Clone(names))
	if !sometimes { // it has been looked at for mistakes, but not for what can't be carried
		return
	}
	a, actionName, valid := r.action(action, errno, "errnoRet")
	if !ok || !valid || a.Allows() && !always { // what is allowed on some kernels only is not
		return
	}
	same := actionName == r.fallbackName && a == r.fallback
	for _, x := range known {
		if _, ok := r.calls[x.Text]; !ok {
			r.order = append(r.order, x.Text)
			r.calls[x.Text] = nil
		}
		if !same { // runc leaves it out, but counts the call as one that the profile knows
			r.add(x.Text, x, terms, a)
		}
	}
	for _, x := range names {
		if through, sub, ok := r.arch.Multiplexer(x.Text); ok && !same {
			r.add(through.Name, x, multiplexed(terms, sub), a)
		}
	}
}

// multiplexed returns the args of an entry as libseccomp has them where the call is behind another's number: the first
// argument says which call is meant, and what was said of it is lost. The others stay, though they mean something else
// there.
func multiplexed(terms []dialect.Term, sub uint64) (list []dialect.Term) {
	if len(terms) == 0 {
		terms = []dialect.Term{nil}
	}
	for _, t := range terms {
		t = slices.DeleteFunc(slices.Clone(t), func(c dialect.Comparison) bool { return c.Arg == 0 })
		list = append(list, append(dialect.Term{{Op: dialect.Eq, A: sub}}, t...))
	}
	return list
}

// add adds an entry for one call, which stands at n: it holds where any of the terms does, or always if there is none.
func (r *reader) add(name string, n *tree.Node, terms []dialect.Term, a policy.Action) {
	if _, ok := r.calls[name]; !ok {
		r.order = append(r.order, name)
	}
	var conds []policy.Cond
	for _, t := range terms {
		all := make([]policy.Cond, len(t))
		for i, c := range t {
			all[i] = c.Cond()
		}
		if len(all) == 1 {
			conds = append(conds, all[0])
		} else {
			conds = append(conds, policy.And(all))
		}
	}
	r.calls[name] = append(r.calls[name], entry{conds, a, r.Origin(n.Pos)})
}

// known returns the calls of the architecture. runc goes past those of others in silence, and past what is no call.
func (r *reader) known(names []*tree.Node) []*tree.Node {
	return slices.DeleteFunc(names, func(x *tree.Node) bool {
		_, ok := r.arch.Call(x.Text)
		if !ok && !kernel.KnownCall(x.Text) {
			r.Notef(x.Pos, "unknown system call %q, which a runtime goes past in silence%s", x.Text,
				rule.DidYouMean(x.Text, kernel.CallNames()))
		}
		return !ok
	})
}

// args reads the comparisons of an entry: terms of which any is enough.
func (r *reader) args(n *tree.Node) (terms []dialect.Term, ok bool) {
	if n == nil {
		return nil, true
	}
	ok = true
	var count [6]int
	var all dialect.Term
	tree.Each(&r.Report, n, "args", func(x *tree.Node) {
		c, valid := r.arg(x)
		if ok = ok && valid; valid {
			all = append(all, c)
			count[c.Arg]++
		}
	})
	if n.Kind > tree.Null && n.Kind != tree.List {
		return nil, false
	}
	switch {
	case len(all) == 0:
	case slices.Max(count[:]) == 1:
		terms = []dialect.Term{all}
	default:
		for _, c := range all {
			terms = append(terms, dialect.Term{c})
		}
	}
	return terms, ok
}

// arg reads one comparison.
func (r *reader) arg(n *tree.Node) (c dialect.Comparison, ok bool) {
	ok = true
	var op string
	var index *tree.Node
	number := func(x *tree.Node, what string, limit uint64, to *uint64) {
		v, valid := tree.Uint(&r.Report, x, what, limit)
		*to, ok = v, ok && valid
	}
	var pos, value, two uint64
	isMap := tree.Fields(&r.Report, n, "an entry of args",
		tree.Field{Name: "index", Read: func(x *tree.Node) { index = x; number(x, "index", 5, &pos) }},
		tree.Field{Name: "value", Read: func(x *tree.Node) { number(x, "value", 1<<64-1, &value) }},
		tree.Field{Name: "valueTwo", Read: func(x *tree.Node) { number(x, "valueTwo", 1<<64-1, &two) }},
		tree.Field{Name: "op", Read: func(x *tree.Node) {
			word, valid := tree.Word(&r.Report, x, "op", false, operators[:])
			op, ok = word, ok && valid
		}},
	)
	if !isMap || !ok {
		return c, false
	}
	if index == nil || op == "" {
		r.Errorf(dialect.ErrSyntax, n.Pos, "a comparison has index, value and op")
		return c, false
	}
	c = dialect.Comparison{Arg: uint8(pos), Op: dialect.Op(slices.Index(operators[:], op)), A: value}
	if c.Op == dialect.MaskedEq {
		c.B = two & value // libseccomp masks it (db.c, _db_node_mask_fixup)
	}
	return c, true
}

// circumstances reads includes or excludes, and tells whether the entry applies (moby/profiles, seccomp_linux.go): on all
// kernels that the profile is read for, and on some.
func (r *reader) circumstances(n *tree.Node, include bool) (always, sometimes bool) {
	what := map[bool]string{true: "includes", false: "excludes"}[include]
	always, sometimes = true, true
	if n.Kind == tree.Null {
		return true, true
	}
	demand := func(here bool) {
		if here != include {
			always, sometimes = false, false
		}
	}
	tree.Fields(&r.Report, n, what,
		tree.Field{Name: "arches", Read: func(x *tree.Node) {
			any, here := false, false
			tree.Each(&r.Report, x, "arches", func(x *tree.Node) {
				name, _ := tree.Str(&r.Report, x, "an architecture")
				any, here = true, here || name == dockerArches[r.arch.Name]
			})
			if any {
				demand(here)
			}
		}},
		tree.Field{Name: "caps", Read: func(x *tree.Node) {
			tree.Each(&r.Report, x, "caps", func(x *tree.Node) {
				name, _ := tree.Str(&r.Report, x, "a capability")
				demand(slices.Contains(r.caps, name))
			})
		}},
		tree.Field{Name: "minKernel", Read: func(x *tree.Node) {
			text, ok := tree.Str(&r.Report, x, "minKernel")
			if !ok {
				return
			}
			v, err := version(text)
			if err != nil {
				r.Errorf(dialect.ErrValue, x.Pos, "minKernel: %v", err)
				return
			}
			switch old := slices.Compare(r.kernel[:], v[:]) >= 0; {
			case !r.anyKernel:
				demand(old)
			case include: // some later kernel has it
				always = always && old
			default:
				always, sometimes = false, sometimes && !old
			}
		}})
	return always, sometimes
}

// version reads the first two numbers of a kernel's version.
func version(text string) (v [2]uint64, err error) {
	if text == "" {
		text = oldest
	}
	a, b, ok := strings.Cut(text, ".")
	b, _, _ = strings.Cut(b, ".")
	b, _, _ = strings.Cut(b, "-")
	if ok {
		if v[0], err = strconv.ParseUint(a, 10, 16); err == nil {
			v[1], err = strconv.ParseUint(b, 10, 16)
		}
	}
	if !ok || err != nil {
		return v, fmt.Errorf("%q is no kernel version, as in 6.12", text)
	}
	return v, nil
}
