package lint

import (
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// twins warns where a rule limits a call that the architecture knows by another number too, which goes on as the sets
// have it: sys_mmap and mmap2, sys_socket and socketcall. Rules the policy has for both are taken to be meant.
func (l *linter) twins() {
	for i := range l.said.Rules {
		if r := &l.said.Rules[i]; r.Name != "" && l.decider.Cond(r.Allow) != bdd.True {
			l.twinsOf(r.Name, r.Origin)
		}
	}
	for _, x := range l.plan.Policy.Lacks {
		if x.Stage == l.said.Name {
			l.twinsOf(x.Name, &policy.Origin{Source: &policy.Source{File: x.File}, Line: x.Pos.Line, Col: x.Pos.Col})
		}
	}
}

func (l *linter) twinsOf(name string, at *policy.Origin) {
	for _, twin := range l.arch.Twins(name) {
		switch {
		case !l.granted(twin) || l.ruled(twin):
		case twin == "socketcall" || twin == "ipc":
			l.warn(at, "this does not limit sys_%s, which makes the same call and is allowed: a filter can't see what it is "+
				"asked for; drop the sets that hold it", twin)
		default:
			l.warn(at, "this does not limit sys_%s, which does the same and is allowed: rule it too", twin)
		}
	}
}

// ruled tells whether a stage up to this one has a rule about a call.
func (l *linter) ruled(name string) bool {
	return slices.ContainsFunc(l.plan.Policy.Stages[:l.k+1], func(s policy.Stage) bool {
		return slices.ContainsFunc(s.Rules, func(r policy.Rule) bool { return r.Name == name })
	})
}
