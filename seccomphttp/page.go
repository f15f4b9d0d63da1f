package seccomphttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stagelock/seccomp"
)

// A page is what JSON shows. Fields may be added.
type page struct {
	Mode     string     `json:"mode"`   // enforce, off, observe
	Stage    string     `json:"stage"`  // in force, or observed; empty: none
	Policy   string     `json:"policy"` // what is in force, or would be, in the policy language
	Error    string     `json:"error,omitempty"`
	Locks    []lock     `json:"locks"`
	Observed []observed `json:"observed,omitempty"` // what would have been refused
}

// An observed is a seccomp.Observation.
type observed struct {
	Stage string `json:"stage"`
	Call  string `json:"call"`
	Rule  string `json:"rule"`
	Gets  string `json:"gets"`
	Allow string `json:"allow"`
	Count int    `json:"count"`
	Stack string `json:"stack"`
}

// A lock is what one Lock did.
type lock struct {
	Stage        string   `json:"stage"`
	Instructions []int    `json:"instructions"` // of each filter installed
	Filters      int      `json:"filters"`      // that each thread had then, -1: unknown
	Allowed      int      `json:"allowed"`
	Known        int      `json:"known"`
	Dropped      []string `json:"dropped"`
	Floor        []string `json:"floor"`
	Verified     int      `json:"verified"`  // threads
	Inherited    int      `json:"inherited"` // threads, -1: unknown
	Unverified   string   `json:"unverified,omitempty"`
	Notes        []string `json:"notes,omitempty"`
	Microseconds int64    `json:"microseconds"`
}

func asJSON(s seccomp.State) []byte {
	p := page{Mode: s.Mode.String(), Stage: s.Stage, Policy: s.Policy, Locks: []lock{}}
	if s.Err != nil {
		p.Error = s.Err.Error()
	}
	for i := range s.Receipts {
		r := &s.Receipts[i]
		p.Locks = append(p.Locks, lock{
			Stage: r.Stage, Instructions: some(r.Instructions), Filters: filters(r), Allowed: r.Allowed, Known: r.Known,
			Dropped: some(r.Dropped), Floor: some(r.Floor), Verified: r.Verified, Inherited: r.Inherited,
			Unverified: r.Unverified, Notes: r.Notes, Microseconds: r.Total.Microseconds(),
		})
	}
	for _, o := range s.Observed {
		p.Observed = append(p.Observed, observed(o))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		panic("seccomphttp: bug: " + err.Error()) // strings and numbers alone
	}
	return b.Bytes()
}

// some returns a list that JSON shows as one.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// filters tells how many filters each thread had after a lock; -1: unknown.
func filters(r *seccomp.Receipt) int {
	if r.Before < 0 {
		return -1
	}
	return r.Before + len(r.Instructions)
}

// text says the same to people. The policy stands last, as a policy: what is said before it are comments.
func text(s seccomp.State) []byte {
	var b bytes.Buffer
	switch {
	case s.Mode == seccomp.Observe && s.Stage != "":
		fmt.Fprintf(&b, "# Stage %s is observed: nothing is refused.\n", s.Stage)
	case s.Stage != "":
		fmt.Fprintf(&b, "# Stage %s is in force.\n", s.Stage)
	case s.Mode == seccomp.Off:
		fmt.Fprintln(&b, "# Nothing is enforced: the mode is off.")
	default:
		fmt.Fprintln(&b, "# Nothing is in force yet.")
	}
	if s.Err != nil {
		fmt.Fprintf(&b, "# Failed: %s\n", comment(s.Err.Error()))
	}
	for i := range s.Receipts {
		r := &s.Receipts[i]
		instructions := 0
		for _, n := range r.Instructions {
			instructions += n
		}
		fmt.Fprintf(&b, "#\n# %s: %d of %d calls allowed, %d dropped, %d kept for the Go runtime alone\n",
			r.Stage, r.Allowed, r.Known, len(r.Dropped), len(r.Floor))
		if len(r.Instructions) == 0 { // a stage that is observed by the filter of an earlier one
			notes(&b, r)
			continue
		}
		fmt.Fprintf(&b, "#   %s, %s, locked in %v\n", count(len(r.Instructions), "filter"),
			count(instructions, "instruction"), r.Total.Round(time.Microsecond))
		fmt.Fprintf(&b, "#   seen on %s", count(r.Verified, "thread"))
		if n := filters(r); n >= 0 {
			fmt.Fprintf(&b, ", which then had %s", count(n, "filter"))
		}
		if r.Inherited > 0 {
			fmt.Fprintf(&b, "; %d more had inherited them", r.Inherited)
		}
		fmt.Fprintln(&b)
		notes(&b, r)
	}
	if s.Mode == seccomp.Observe && s.Stage != "" {
		fmt.Fprintf(&b, "#\n# %s would have been refused so far, by call and rule.\n", count(len(s.Observed), "thing"))
	}
	for _, o := range s.Observed {
		fmt.Fprintf(&b, "#\n# %d × %s\n#   would get %s from %s\n", o.Count, o.Call, o.Gets, o.Rule)
		if o.Allow != "" {
			fmt.Fprintf(&b, "#   %s\n", o.Allow)
		}
		if o.Stack != "" {
			fmt.Fprintf(&b, "#     %s\n", comment(o.Stack))
		}
	}
	if s.Policy != "" {
		fmt.Fprintf(&b, "\n%s", s.Policy)
	}
	return b.Bytes()
}

// notes says what is worth knowing of a lock.
func notes(b *bytes.Buffer, r *seccomp.Receipt) {
	if r.Unverified != "" {
		fmt.Fprintf(b, "#   unverified: %s\n", comment(r.Unverified))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(b, "#   note: %s\n", comment(n))
	}
}

// comment keeps what has several lines a comment.
func comment(s string) string {
	return string(bytes.ReplaceAll([]byte(s), []byte("\n"), []byte("\n#     ")))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
