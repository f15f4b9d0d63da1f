// Package dialect translates between the policy language and what others write seccomp policies in. Each dialect has
// a package of its own: beats (elastic's Policy, as YAML or JSON), oci (the runtime specification's JSON, and Docker's
// profiles), systemd (SystemCallFilter= and its kin). Here is what they share.
//
// Every text is read into a policy.Table, which says what happens to every call with every argument on one
// architecture, and every text is written from one:
//
//	read, err := oci.Read("default.json", data, oci.Options{Options: dialect.Options{Arch: "amd64"}})
//	text, err := dialect.Format(read, dialect.Options{Arch: "amd64"})
//
// What a dialect can't carry is an error that names the place, or, with Options.Approximate, is replaced by the
// nearest thing that allows nothing more; each such approximation is a note. Nothing of that is taken on trust: what
// was written is read again and compared with its source, for every call and all arguments (Prove).
package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// The classes of errors. Each mistake of a text comes as a *rule.Error in rule.Errors.
var (
	ErrSyntax  = errors.New("not the dialect")       // the text can't be read
	ErrUnknown = errors.New("unknown name")          // a key, a call, an action, … that there isn't
	ErrValue   = errors.New("value out of place")    // a number too large, two words for one thing, …
	ErrLoss    = errors.New("can't be carried over") // Options.Approximate takes something stricter
	ErrProof   = errors.New("translation is wrong")  // never expected: what was written is not what was read
)

// Options say what a conversion is for.
type Options struct {
	Arch        string // a GOARCH: a table is for one architecture
	Approximate bool   // replace what can't be carried by what is stricter, with a note
}

// Lookup returns the tables of the architecture.
func (o Options) Lookup() (*kernel.Arch, error) {
	a, ok := kernel.ByName(o.Arch)
	if !ok {
		return nil, fmt.Errorf("%w: architecture %q%s", ErrUnknown, o.Arch,
			rule.DidYouMean(o.Arch, slices.Values(kernel.Names())))
	}
	return a, nil
}

// A Reading is what a text means on one architecture.
type Reading struct {
	Source  string // its name, as in messages
	Dialect string // what it is written in: Beats, OCI, systemd, stagelock
	Table   *policy.Table
	Notes   []policy.Note // what a person should know, approximations among it
}

// A Written is a text in some dialect.
type Written struct {
	Text  string
	Notes []policy.Note
}

// A Report gathers what is to be said about a conversion.
type Report struct {
	File        string
	Approximate bool
	Errs        rule.Errors
	Notes       []policy.Note
}

// Errorf reports a mistake. One of the whole text, for which at is zero, is told at its beginning.
func (r *Report) Errorf(class error, at rule.Pos, format string, args ...any) {
	if at.Line == 0 {
		at = rule.Pos{Line: 1, Col: 1}
	}
	r.Errs = append(r.Errs, &rule.Error{File: r.File, Pos: at, Msg: fmt.Sprintf(format, args...), Class: class})
}

// Notef reports what is no mistake.
func (r *Report) Notef(at rule.Pos, format string, args ...any) {
	r.Notes = append(r.Notes, policy.Note{File: r.File, Pos: at, Text: fmt.Sprintf(format, args...)})
}

// Loss reports what can't be carried over, and what stricter thing is taken in its place where approximations are
// asked for: a note then, and otherwise an error.
func (r *Report) Loss(at rule.Pos, what, instead string) {
	if r.Approximate {
		r.Notef(at, "approximated: %s; instead %s", what, instead)
		return
	}
	r.Errorf(ErrLoss, at, "%s (with -approximate: %s)", what, instead)
}

// LossOf is Loss at the origin of a clause.
func (r *Report) LossOf(o *policy.Origin, what, instead string) {
	file := r.File
	defer func() { r.File = file }()
	var at rule.Pos
	if o != nil {
		r.File, at = o.File, rule.Pos{Line: o.Line, Col: o.Col}
	}
	r.Loss(at, what, instead)
}

// Origin returns a place of the text as the origin of what it says.
func (r *Report) Origin(at rule.Pos) *policy.Origin {
	return &policy.Origin{Source: &policy.Source{Kind: policy.FromRule, File: r.File}, Line: at.Line, Col: at.Col}
}

// list joins names, the last of many being "and N more".
func list(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
