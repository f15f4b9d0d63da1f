package systemd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Write writes a table as settings of a unit. Calls are named one by one: systemd's sets grow from release to release,
// and what they allow with them.
func Write(in *dialect.Reading, o dialect.Options) (*dialect.Written, error) {
	t := in.Table.Whole()
	w := &writer{Report: &dialect.Report{File: in.Source, Approximate: o.Approximate}, arch: t.Arch,
		rest: dialect.Rest(t), loose: make(map[uint32]bool), verdicts: make(map[string]policy.Action)}
	if w.rest.Kind == policy.Trap {
		w.rest.Kind = policy.Kill
	}
	for i := range t.Calls {
		w.call(&t.Calls[i])
	}
	w.LoseFallbacks(w.fallbacks, "in a list of what is allowed all else gets the same", "they get "+w.rest.Text(w.arch))
	if err := w.Errs.Err(); err != nil {
		return nil, err
	}
	if !w.verdicts["execve"].Allows() {
		w.Notef(rule.Pos{}, "execve is refused, and systemd needs it to start the service")
	}
	text := w.text(in)
	again, err := Read(in.Source, []byte(text), dialect.Options{Arch: t.Arch.Name})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", dialect.ErrProof, err)
	}
	want := dialect.Joined(t)
	w.Multiplexers(want, again.Table, w.loose, func(string) {})
	if err := w.Errs.Err(); err != nil {
		return nil, err
	}
	return &dialect.Written{Text: w.text(in), Notes: w.Notes}, // with the notes
		dialect.Prove(want, again.Table, func(nr uint32) bool { return w.loose[nr] })
}

type writer struct {
	*dialect.Report
	arch     *kernel.Arch
	rest     policy.Action
	loose    map[uint32]bool
	verdicts map[string]policy.Action
	names    []string // by number

	fallbacks []string // calls whose errnos are lost
}

// call finds the one verdict that a call gets.
func (w *writer) call(d *policy.Decision) {
	lose := func(o *policy.Origin, what, instead string) {
		w.loose[d.Nr] = true
		w.LossOf(o, what, instead)
	}
	first := d.Clauses[0]
	if d.Name == "" {
		if slices.ContainsFunc(d.Clauses, func(c policy.Clause) bool { return c.Action != w.rest }) {
			lose(first.Origin, dialect.CallText(d)+" has no name, and systemd knows names only",
				"it gets what calls get that aren't named")
		}
		return
	}
	if plain, had := dialect.WithoutFallbacks(d); had && !w.rest.Allows() { // a list of what is refused can say them
		d = plain
		w.loose[d.Nr] = true
		w.fallbacks = append(w.fallbacks, d.Name)
	}
	a, always := verdict(d)
	if !always {
		lose(first.Origin, d.Name+" hangs on its arguments, and systemd filters by name only", "it is refused")
	}
	if a.Kind == policy.Trap {
		lose(first.Origin, d.Name+" is trapped, which systemd has no word for", "the process is killed")
		a.Kind = policy.Kill
	}
	switch {
	case a.Allows() || w.rest.Allows() || a == w.rest:
	case dialect.Newer(d):
		w.loose[d.Nr] = true
		a = w.rest
	default:
		lose(first.Origin, fmt.Sprintf("%s gets %s, but in a list of what is allowed all else gets the same", d.Name,
			a.Text(w.arch)), "it gets "+w.rest.Text(w.arch))
		a = w.rest
	}
	w.names = append(w.names, d.Name)
	w.verdicts[d.Name] = a
}

// verdict returns what a call gets with all arguments; always is false where that hangs on them, and then it is what
// refuses it.
func verdict(d *policy.Decision) (a policy.Action, always bool) {
	parts := dialect.Parts(d, policy.Action{Kind: policy.Errno, Errno: 0xffff})
	if len(parts) == 1 {
		return parts[0].Action, true
	}
	a = policy.Action{Kind: policy.Errno, Errno: 1}
	for _, p := range parts {
		if !p.Action.Allows() {
			a = p.Action
		}
	}
	return a, false
}

// text writes the settings.
func (w *writer) text(in *dialect.Reading) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Converted from %s (%s) for %s.\n", filepath.Base(in.Source), in.Dialect, w.arch.Name)
	for _, n := range append(slices.Clone(in.Notes), w.Notes...) {
		fmt.Fprintf(&b, "# - %s\n", strings.ReplaceAll(n.Text, "\n", " "))
	}
	fmt.Fprintf(&b, "[Service]\n%s=native\n", keyArches)
	if w.rest.Allows() {
		w.refused(&b)
	} else {
		w.allowed(&b)
	}
	var logged []string
	for _, n := range w.names {
		if w.verdicts[n].Kind == policy.Log {
			logged = append(logged, n)
		}
	}
	if w.rest.Kind == policy.Log {
		var quiet []string
		for _, n := range w.names {
			if w.verdicts[n].Kind != policy.Log {
				quiet = append(quiet, n)
			}
		}
		assign(&b, keyLog, "~", quiet, true)
	} else {
		assign(&b, keyLog, "", logged, false)
	}
	return b.String()
}

// allowed writes a list of what is allowed.
func (w *writer) allowed(b *strings.Builder) {
	fmt.Fprintf(b, "%s=%s\n", keyErrno, errnoText(w.rest, w.arch))
	var names, taken []string
	for _, n := range w.names {
		if w.verdicts[n].Allows() {
			names = append(names, n)
		}
	}
	expand(defaultSet, func(n string) {
		if a, here := w.verdicts[n]; here && !a.Allows() {
			taken = append(taken, n)
		}
	})
	if len(names) == 0 {
		names = []string{defaultSet}
	}
	assign(b, keyFilter, "", names, true)
	if len(taken) > 0 {
		slices.Sort(taken)
		fmt.Fprintf(b, "# systemd adds %s to every list of what is allowed\n", defaultSet)
		assign(b, keyFilter, "~", slices.Compact(taken), true)
	}
}

// refused writes a list of what is refused.
func (w *writer) refused(b *strings.Builder) {
	var names []string
	for _, n := range w.names {
		if a := w.verdicts[n]; !a.Allows() {
			names = append(names, n+":"+errnoText(a, w.arch))
		}
	}
	assign(b, keyFilter, "~", names, true)
}

func errnoText(a policy.Action, arch *kernel.Arch) string {
	if a.Kind == policy.Kill {
		return "kill"
	}
	if name, ok := arch.ErrnoName(a.Errno); ok {
		return name
	}
	return strconv.Itoa(int(a.Errno))
}

// lineWidth is how long a line may get.
const lineWidth = 100

// assign writes names in as many lines as they need; none where there are no names, but the sign alone if always is set.
func assign(b *strings.Builder, key, sign string, names []string, always bool) {
	if len(names) == 0 && always {
		fmt.Fprintf(b, "%s=%s\n", key, sign)
	}
	line := ""
	for _, n := range names {
		if line != "" && len(key)+len(line)+len(n)+3 > lineWidth {
			fmt.Fprintf(b, "%s=%s%s\n", key, sign, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += n
	}
	if line != "" {
		fmt.Fprintf(b, "%s=%s%s\n", key, sign, line)
	}
}
