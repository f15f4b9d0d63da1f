// Package dialecttest has what the tests of the dialects share.
package dialecttest

import (
	"errors"
	"testing"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Reader reads a text of a dialect; Writer writes one.
type (
	Reader func(name string, text []byte, o dialect.Options) (*dialect.Reading, error)
	Writer func(in *dialect.Reading, o dialect.Options) (*dialect.Written, error)
)

// Edges are values of arguments at which comparisons change their mind.
var Edges = []uint64{0, 1, 2, 3, 7, 8, 9, 39, 40, 41, 0xff, 0x100, 0x10000000, 0x7e020000, 0x7fffffff, 0x80000000,
	0xffffff9c, 0xfffffffe, 0xffffffff, 1 << 32, 1<<32 | 2, 1<<32 | 40, 1<<63 - 1, 1 << 63, 1<<64 - 100, 1<<64 - 1}

// Arguments calls yield with arguments that have each of values in each of the first two places, and some in others.
func Arguments(values []uint64, yield func(args [6]uint64)) {
	for i, x := range values {
		for j, y := range values {
			z := values[(i*7+j)%len(values)]
			yield([6]uint64{x, y, z, x ^ y, z + 1, y})
		}
	}
}

// Robust holds a reader to what fuzzing is for: every error has its place, and what was read can be written in the
// dialect again and in the policy language, or is refused as a loss. A wrong translation fails the test.
func Robust(t *testing.T, text []byte, read Reader, write Writer) {
	for _, o := range []dialect.Options{{Arch: "amd64"}, {Arch: "amd64", Approximate: true}, {Arch: "arm", Approximate: true},
		{Arch: "386", Approximate: true}} {
		in, err := read("input", text, o)
		if err != nil {
			Placed(t, err)
			continue
		}
		for _, w := range []Writer{write, dialect.Format} {
			out, err := w(in, o)
			switch {
			case errors.Is(err, dialect.ErrProof):
				t.Fatalf("%s, approximate %t: %v", o.Arch, o.Approximate, err)
			case err != nil && !errors.Is(err, dialect.ErrLoss):
				t.Fatalf("%s: %v", o.Arch, err)
			case err == nil && out.Text == "":
				t.Fatal("nothing was written")
			}
		}
	}
}

// Placed fails the test if a mistake has no place.
func Placed(t *testing.T, err error) {
	t.Helper()
	var list rule.Errors
	if !errors.As(err, &list) || len(list) == 0 {
		t.Fatalf("no rule.Errors, but %T: %v", err, err)
	}
	for _, e := range list {
		if e.Line < 1 || e.Col < 1 || e.Msg == "" || e.Class == nil {
			t.Fatalf("without a place: %#v", e)
		}
	}
}

// Wider returns a call that got allows and want doesn't, looking at the edge values; ok is false if there is none.
func Wider(want, got *policy.Table, values []uint64) (nr uint32, args [6]uint64, ok bool) {
	for _, c := range want.Arch.Calls() {
		values := values
		if Plain(want, c.Nr) && Plain(got, c.Nr) {
			values = values[:1]
		}
		Arguments(values, func(a [6]uint64) {
			if !ok && got.Eval(c.Nr, a).Action.Allows() && !want.Eval(c.Nr, a).Action.Allows() {
				nr, args, ok = c.Nr, a, true
			}
		})
	}
	return nr, args, ok
}

// Plain tells whether what a call gets doesn't hang on its arguments.
func Plain(t *policy.Table, nr uint32) bool {
	d, ok := t.Find(nr)
	return !ok || d.Clauses[0].If == policy.Const(true)
}

// Arch returns an architecture.
func Arch(t testing.TB, name string) *kernel.Arch {
	a, ok := kernel.ByName(name)
	if !ok {
		t.Fatalf("no architecture %s", name)
	}
	return a
}
