package systemd

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Read reads a unit, a drop-in or a few of its lines. The error is rule.Errors: all mistakes of the text, each with its
// place.
func Read(name string, text []byte, o dialect.Options) (*dialect.Reading, error) {
	arch, err := o.Lookup()
	if err != nil {
		return nil, err
	}
	r := &reader{Report: dialect.Report{File: name, Approximate: o.Approximate}, arch: arch, errno: killErrno}
	if len(text) > rule.MaxSize {
		r.Errorf(dialect.ErrSyntax, rule.At(1, 1), "the text has more than %d bytes", rule.MaxSize)
		return nil, r.Errs.Err()
	}
	r.unit(string(text))
	if len(r.Errs) == 0 && !r.filter.said && !r.log.said {
		r.Errorf(dialect.ErrSyntax, rule.At(1, 1), "nothing here filters system calls: %s= is missing", keyFilter)
	}
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	if !r.native {
		r.Notef(r.filterPos, "this is for %s alone: a call that enters through another ABI kills the process; systemd has %s= "+
			"for that", arch.Name, keyArches)
	}
	t := r.table()
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	return &dialect.Reading{Source: name, Dialect: "systemd", Table: t, Notes: r.Notes}, nil
}

type reader struct {
	dialect.Report
	arch        *kernel.Arch
	filter, log listing
	filterPos   rule.Pos
	errno       int // SystemCallErrorNumber=
	native      bool
}

// A word is a word of a value, with its place.
type word struct {
	rule.Pos
	text string
}

// unit reads the lines of a unit (systemd.syntax(7)).
func (r *reader) unit(text string) {
	list := strings.Split(text, "\n")
	section := ""
	for i := 0; i < len(list); i++ {
		line := strings.TrimRight(list[i], "\r")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "", trimmed[0] == '#', trimmed[0] == ';':
			continue
		case trimmed[0] == '[' && trimmed[len(trimmed)-1] == ']':
			section = trimmed[1 : len(trimmed)-1]
			continue
		}
		at := rule.At(i+1, strings.Index(line, trimmed)+1)
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			r.Errorf(dialect.ErrSyntax, at, "found %q, expected a setting, as %s=…", clip(trimmed), keyFilter)
			continue
		}
		words := r.words(value, rule.At(i+1, len(key)+2))
		for continues(line) && i+1 < len(list) { // comments in between are gone past
			i++
			line = strings.TrimRight(list[i], "\r")
			if c := strings.TrimSpace(line); c != "" && (c[0] == '#' || c[0] == ';') {
				line = `\`
				continue
			}
			words = append(words, r.words(line, rule.At(i+1, 1))...)
		}
		key = strings.TrimSpace(key)
		switch {
		case section == "" || slices.Contains(sections, section):
			r.setting(key, at, words)
		case slices.Contains(keys, key):
			r.Errorf(dialect.ErrValue, at, "%s= stands in [%s], where systemd goes past it: write it in [Service]", key,
				clip(section))
		}
	}
}

// continues tells whether the next line belongs to this one.
func continues(line string) bool { return strings.HasSuffix(line, `\`) }

func clip(s string) string { return s[:min(len(s), 40)] }

// words splits a value at its blanks.
func (r *reader) words(value string, at rule.Pos) []word {
	value = strings.TrimSuffix(value, `\`)
	var list []word
	for i := 0; i < len(value); {
		if value[i] == ' ' || value[i] == '\t' {
			i++
			continue
		}
		n := strings.IndexAny(value[i:], " \t")
		if n < 0 {
			n = len(value) - i
		}
		list = append(list, word{rule.Pos{Line: at.Line, Col: at.Col + int32(i)}, value[i : i+n]})
		i += n
	}
	return list
}

// setting reads one setting.
func (r *reader) setting(key string, at rule.Pos, words []word) {
	switch key {
	case keyFilter:
		if !r.filter.said {
			r.filterPos = at
		}
		r.list(&r.filter, words, true)
	case keyLog:
		r.list(&r.log, words, false)
	case keyErrno:
		r.errorNumber(at, words)
	case keyArches:
		r.architectures(words)
	default:
		near := rule.Nearest(key, slices.Values(keys))
		switch {
		case near != "":
			r.Errorf(dialect.ErrUnknown, at, "unknown setting %s: did you mean %q?", clip(key), near)
		case strings.HasPrefix(key, "SystemCall"):
			r.Errorf(dialect.ErrUnknown, at, "unknown setting %s: there are %s", clip(key), strings.Join(keys, ", "))
		case slices.Contains(filtering, key) && len(words) > 0 && !isFalse(words[0].text):
			r.Notef(at, "%s= makes a filter of its own, which isn't carried over", key)
		}
	}
}

func isFalse(text string) bool {
	return slices.Contains([]string{"no", "n", "false", "f", "off", "0"}, text)
}

func (r *reader) architectures(words []word) {
	r.native = len(words) > 0
	for _, w := range words {
		if !slices.Contains(architectures, w.text) {
			r.Errorf(dialect.ErrUnknown, w.Pos, "unknown architecture %q%s", clip(w.text),
				rule.DidYouMean(w.text, slices.Values(architectures)))
		} else if w.text != "native" {
			r.Notef(w.Pos, "this is for %s alone: a call that enters through another ABI, such as %s might be, kills the process",
				r.arch.Name, w.text)
		}
	}
}

func (r *reader) errorNumber(at rule.Pos, words []word) {
	switch {
	case len(words) == 0:
		r.errno = killErrno
	case len(words) > 1:
		r.Errorf(dialect.ErrValue, words[1].Pos, "one errno is wanted")
	default:
		if n, ok := r.errnoOf(words[0], words[0].text); ok && n == 0 {
			r.Errorf(dialect.ErrValue, words[0].Pos, "an errno lies between 1 and 4095")
		} else if ok {
			r.errno = n
		}
	}
}

// errnoOf reads a name, a number or kill.
func (r *reader) errnoOf(w word, text string) (n int, ok bool) {
	if text == "kill" {
		return killErrno, true
	}
	if n, ok := r.arch.Errno(text); ok {
		return int(n), true
	}
	if v, err := strconv.ParseUint(text, 10, 16); err == nil && v <= 4095 {
		return int(v), true
	}
	hint := rule.DidYouMean(text, func(yield func(string) bool) {
		for c := range r.arch.ConstsWithPrefix("E") {
			if _, ok := r.arch.Errno(c.Name); ok && !yield(c.Name) {
				return
			}
		}
	})
	r.Errorf(dialect.ErrUnknown, w.Pos, "unknown errno %q%s", clip(text), hint)
	return 0, false
}

// list merges a line into a listing.
func (r *reader) list(l *listing, words []word, filter bool) {
	if len(words) == 0 {
		*l = listing{}
		return
	}
	first := &words[0]
	inverse := strings.HasPrefix(first.text, "~")
	if inverse {
		first.text, first.Col = first.text[1:], first.Col+1
		if first.text == "" {
			words = words[1:]
		}
	}
	if !l.said {
		*l = listing{said: true, inverse: inverse, calls: make(map[string]entry)}
		if filter && !inverse {
			expand(defaultSet, func(call string) { l.calls[call] = entry{noErrno, first.Pos} })
		}
	}
	for _, w := range words {
		name, errno, ok := r.item(w, filter, inverse, l.inverse)
		if !ok {
			continue
		}
		expand(name, func(call string) {
			if inverse == l.inverse {
				l.calls[call] = entry{errno, w.Pos}
			} else {
				delete(l.calls, call)
			}
		})
	}
}

// item reads NAME or NAME:ERRNO.
func (r *reader) item(w word, filter, inverse, denying bool) (name string, errno int, ok bool) {
	name, code, coded := strings.Cut(w.text, ":")
	errno = noErrno
	switch {
	case strings.HasPrefix(name, "@"):
		if _, ok := members(name); !ok {
			r.Errorf(dialect.ErrUnknown, w.Pos, "unknown set %q%s", clip(name), rule.DidYouMean(name, setNames()))
			return "", 0, false
		}
	case !kernel.KnownCall(name) && !setMember(name):
		r.Errorf(dialect.ErrUnknown, w.Pos, "unknown system call %q%s", clip(name), rule.DidYouMean(name, kernel.CallNames()))
		return "", 0, false
	}
	if coded {
		if errno, ok = r.errnoOf(w, code); !ok {
			return "", 0, false
		}
		switch {
		case !filter:
			r.Errorf(dialect.ErrValue, w.Pos, "%s takes no errno", keyLog)
			return "", 0, false
		case !inverse:
			r.Errorf(dialect.ErrValue, w.Pos, "%s has an errno, but is allowed here: systemd would go past it", name)
			return "", 0, false
		case !denying:
			r.Notef(w.Pos, "the errno of %s has no effect: in a list of what is allowed all else gets the same", name)
		case errno == 0:
			r.Loss(w.Pos, "errno 0 makes a refused call look as if it had succeeded", "it fails with EPERM")
			errno = 1
		}
	}
	return name, errno, true
}

// setMember tells whether some set has a call of that name: it is one of an architecture that Go has no port for.
func setMember(name string) bool {
	found := false
	expand("@known", func(call string) { found = found || call == name })
	return found
}

// table returns what the settings amount to.
func (r *reader) table() *policy.Table {
	action := func(errno int) policy.Action {
		if errno == killErrno {
			return policy.Action{}
		}
		return policy.Action{Kind: policy.Errno, Errno: uint16(errno)}
	}
	allowed := func(name string, o *policy.Origin) policy.Clause {
		e, listed := r.log.calls[name]
		if r.log.said && listed != r.log.inverse {
			if listed {
				o = r.Origin(e.pos)
			}
			return dialect.Always(policy.Action{Kind: policy.Log}, o)
		}
		return dialect.Always(policy.Action{Kind: policy.Allow}, o)
	}
	verdict := func(name string) policy.Clause {
		e, listed := r.filter.calls[name]
		at := r.Origin(r.filterPos)
		if listed {
			at = r.Origin(e.pos)
		}
		switch {
		case !r.filter.said || listed != r.filter.inverse:
			return allowed(name, at)
		case listed && e.errno != noErrno:
			return dialect.Always(action(e.errno), at)
		}
		return dialect.Always(action(r.errno), at)
	}
	ruled := make(map[uint32][]policy.Clause)
	for _, c := range r.arch.Calls() {
		all := verdict(c.Name)
		if _, listed := r.filter.calls[c.Name]; !listed { // libseccomp lets what is said of the whole call win
			r.arch.Multiplexed(c.Name, func(name string, sub uint64) {
				if one := verdict(name); one.Action != all.Action {
					one.If = dialect.Comparison{Op: dialect.Eq, A: sub}.Cond()
					ruled[c.Nr] = append(ruled[c.Nr], one)
				}
			})
		}
		ruled[c.Nr] = append(ruled[c.Nr], all)
	}
	other := verdict("")
	return dialect.NewTable(r.arch, ruled, other, other)
}
