package lint

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// grant warns of a rule that lets through what is a risk, be it by an action that logs. Given is where sets let the call
// through already: what a rule leaves of that is no grant of its own. Only the first stage grants anything: the others
// take away.
func (l *linter) grant(r *policy.Rule, given bdd.Node) {
	i := slices.IndexFunc(l.risks.Rules, func(k policy.Rule) bool { return k.Nr == r.Nr && k.Name == r.Name })
	if i < 0 || l.k > 0 {
		return
	}
	risk := &l.risks.Rules[i]
	left := l.without(l.decider.Cond(risk.Allow), given)
	for _, c := range words(r) {
		holds := l.decider.Cond(c.If)
		if c.Action.Allows() && l.decider.And(left, holds) != bdd.False {
			l.warn(c.Origin, "sys_%s is a risky grant: %s", risk.Name, risk.Origin.Why)
			return
		}
		left = l.without(left, holds)
	}
}

// ownSets looks at the sets that the policy declares itself.
func (l *linter) ownSets() {
	for _, s := range l.stage.Sets {
		if s.Builtin || slices.Contains(l.looked, s) {
			continue
		}
		l.looked = append(l.looked, s)
		for i := range s.Rules {
			r := &s.Rules[i]
			l.begin()
			l.arguments(r)
			if !l.ruled(r.Name) { // or the rule speaks instead
				l.grant(r, bdd.False)
			}
		}
	}
}

// companions are calls of which one is useless without any of the others.
var companions = [...]struct {
	call   string
	others []string
}{
	{"socket", []string{"connect", "bind", "sendto", "sendmsg", "ioctl"}},
	{"listen", []string{"accept", "accept4"}},
	{"bind", []string{"listen", "recvfrom", "recvmsg", "read", "connect"}},
	{"connect", []string{"read", "write", "recvfrom", "recvmsg", "sendto", "sendmsg"}},
	{"accept4", []string{"read", "write", "recvfrom", "recvmsg", "sendto", "sendmsg"}},
	{"openat", []string{"read", "pread64", "readv", "mmap", "getdents64", "write", "fstat", "close"}},
	{"inotify_add_watch", []string{"read"}},
	{"timerfd_settime", []string{"read"}},
	{"execve", []string{"mmap", "mmap2", "brk"}}, // what a program begins with: the floor's will do
}

// companions warns of a rule's allowance that a refused companion makes useless, and of a rule that refuses the last one.
func (l *linter) companions() {
	for i := range l.said.Rules {
		r := &l.said.Rules[i]
		refuses := r.Allow == policy.Const(false)
		for _, c := range companions {
			useful := l.granted
			if c.call == "execve" {
				useful = l.permitted
			}
			switch {
			case refuses && !slices.Contains(c.others, r.Name), !refuses && c.call != r.Name, slices.ContainsFunc(c.others, useful):
			case !refuses:
				l.warn(r.Origin, "sys_%s is of no use here: stage %s allows none of %s", r.Name, l.said.Name,
					strings.Join(c.others, ", "))
			case l.granted(c.call) && !slices.ContainsFunc(l.said.Rules, func(r policy.Rule) bool { return r.Name == c.call }):
				l.warn(r.Origin, "this makes sys_%s useless, which stage %s still allows: none of %s is left", c.call,
					l.said.Name, strings.Join(c.others, ", "))
			}
		}
	}
}

// ways are calls that open files.
var ways = [...]string{"open", "openat", "openat2", "creat", "open_by_handle_at"}

// openings warns where one way of opening files is limited, by a rule or by the sets, and another one is free.
func (l *linter) openings() {
	for i := range l.said.Rules {
		r := &l.said.Rules[i]
		if !slices.Contains(ways[:], r.Name) {
			continue
		}
		free := l.decider.Cond(r.Allow) == bdd.True
		for _, other := range ways {
			n, ok := l.allowed(l.stage, other)
			switch {
			case other == r.Name, !ok:
			case !free && n == bdd.True && (r.Name == "open" || r.Name == "openat"):
				l.warn(r.Origin, "this limits sys_%s, while sys_%s is free and opens files too", r.Name, other)
			case free && n != bdd.True && n != bdd.False && !l.ruled(other):
				l.warn(r.Origin, "this frees sys_%s, while sys_%s, which opens files too, is limited by the sets in force", r.Name, other)
			}
		}
	}
}

// children warns, once, that programs the process starts are under the stage too.
func (l *linter) children() {
	provided := slices.ContainsFunc(l.stage.Sets, func(s *policy.Set) bool {
		return s.Name == policy.AllSet || s.Name == "exec.static" || s.Name == "exec.dynamic"
	})
	if l.stage.Children && !l.plan.Policy.Deferred && !provided {
		l.warn(l.here(), "stage %s lets the process start programs, and they inherit it: add exec.static or exec.dynamic, "+
			"and what they need themselves", l.said.Name)
	}
}
