package runtimeset_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/runtimeset/internal/derive"
)

// pinned returns what was found in the source of each release, the oldest first.
func pinned(t *testing.T) (all []*derive.Findings) {
	t.Helper()
	files, err := filepath.Glob("findings/go*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no findings: %v", err)
	}
	slices.Sort(files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		x, err := derive.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, x)
	}
	return all
}

// A review is what a person said of findings: which sets account for those in a place, or why none has to.
type review struct {
	line   int
	call   *regexp.Regexp
	where  *regexp.Regexp
	sets   []string
	reason string // empty: sets account for it
	used   bool
}

// reviews reads findings/reviewed.txt.
func reviews(t *testing.T) (all []*review) {
	t.Helper()
	text, err := os.ReadFile("findings/reviewed.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		body, reason, needless := strings.Cut(line, "#")
		words := strings.Fields(body)
		if len(words) < 2 || needless != (len(words) == 2) || needless && len(reason) < 5 {
			t.Fatalf("reviewed.txt:%d: wanted: CALL WHERE SET…, or CALL WHERE # why no set has to have it", i+1)
		}
		all = append(all, &review{i + 1, wildcard(words[0]), wildcard(words[1]), words[2:], strings.TrimSpace(reason), false})
	}
	return all
}

// wildcard makes a pattern of a word in which * stands for anything.
func wildcard(word string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(word), `\*`, ".*") + "$")
}

func (r *review) is(f *derive.Finding) bool {
	return r.call.MatchString(f.Call) && r.where.MatchString(f.Where)
}

// A holder is a set that has a call.
type holder struct {
	call, set string
}

// holders returns which sets have which calls, by themselves or by a part of them, and whether any arguments will do.
func holders(p *policy.Policy) map[holder]bool {
	has := make(map[holder]bool)
	sets := []*policy.Set{p.Floor, p.Lock}
	for _, step := range p.Stages[0].Steps {
		sets = append(sets, step.Sets...)
	}
	for _, s := range sets {
		for leaf := range s.Leaves {
			for i := range leaf.Rules {
				r := &leaf.Rules[i]
				has[holder{r.Name, s.Name}] = has[holder{r.Name, s.Name}] || r.Allow == policy.Const(true)
			}
		}
	}
	return has
}

// home are the sets that account for what happens in a phase, where findings/reviewed.txt doesn't name others.
var home = map[derive.Phase][]string{
	derive.Start: {"exec.static"}, derive.Always: {policy.FloorSet}, derive.Crash: {policy.FloorSet}, derive.Profile: {"profile"},
}

// TestFindingsAreAccountedFor: every call that a release can make on an architecture is in the sets of that release and
// architecture: what can happen at any moment or in a crash in the floor, what a function of the standard library does
// in the sets of its area, and what happens at the start of a process in exec.static. What is not has a reason in
// findings/reviewed.txt.
func TestFindingsAreAccountedFor(t *testing.T) {
	all := reviews(t)
	for _, x := range pinned(t) {
		for _, arch := range derive.Arches {
			b := runtimeset.Build{Arch: arch, Go: x.Version}
			has := holders(check(t, b, "all.policy", useAll(b)))
			for i := range x.List {
				f := &x.List[i]
				if !slices.Contains(f.Arches, arch) {
					continue
				}
				want := home[f.Phase]
				if f.Phase == derive.Asked && strings.HasPrefix(f.Where, "runtime/") && !strings.HasPrefix(f.Where, "runtime/pprof/") {
					want = []string{policy.FloorSet}
				}
				if at := slices.IndexFunc(all, func(r *review) bool { return r.is(f) }); at >= 0 {
					all[at].used = true
					if want = all[at].sets; all[at].reason != "" {
						continue
					}
				}
				if has[holder{f.Call, policy.FloorSet}] { // whatever its arguments
					continue
				}
				if len(want) == 0 {
					t.Errorf("go%s %s: %s of %s (%s) in %s: no set accounts for it, and findings/reviewed.txt says nothing", x.Version, arch, f.Call, f.Where, f.How, f.Phase)
				}
				for _, set := range want {
					if _, ok := has[holder{f.Call, set}]; !ok {
						t.Errorf("go%s %s: %s of %s (%s) in %s: the set %s lacks it", x.Version, arch, f.Call, f.Where, f.How, f.Phase, set)
					}
				}
			}
		}
	}
	for _, r := range all {
		if !r.used {
			t.Errorf("reviewed.txt:%d: nothing that was found is meant by it", r.line)
		}
	}
}

// TestFloorIsFounded: every call of the floor, in a program without cgo, is one that the release makes on the
// architecture after its start.
func TestFloorIsFounded(t *testing.T) {
	for _, x := range pinned(t) {
		for _, arch := range derive.Arches {
			b := runtimeset.Build{Arch: arch, Go: x.Version}
			for _, r := range check(t, b, "all.policy", useAll(b)).Floor.Rules {
				if !slices.ContainsFunc(x.List, func(f derive.Finding) bool {
					return f.Call == r.Name && f.Phase != derive.Start && slices.Contains(f.Arches, arch)
				}) {
					t.Errorf("go%s %s: %s:%d: the floor has %s, which is made at the start or not at all", x.Version, arch, r.Origin.File, r.Origin.Line, r.Name)
				}
			}
		}
	}
}

// TestSetsMeanTheSameEverywhere: a set that has the calls of a function on amd64 has those that the function makes on the
// other architectures, where they may have other names: fstat64, statx, socketcall.
func TestSetsMeanTheSameEverywhere(t *testing.T) {
	for _, x := range pinned(t) {
		calls := make(map[string]map[string][]string) // of each function, on each architecture
		for _, f := range x.List {
			switch {
			case f.Phase != derive.Asked,
				strings.HasSuffix(f.Where, ":startProcess"), strings.HasSuffix(f.Where, ":concurrentThreadsLimit"): // findings/reviewed.txt
				continue
			}
			if calls[f.Where] == nil {
				calls[f.Where] = make(map[string][]string)
			}
			for _, a := range f.Arches {
				calls[f.Where][a] = append(calls[f.Where][a], f.Call)
			}
		}
		sets := make(map[string]map[holder]bool)
		for _, arch := range derive.Arches {
			b := runtimeset.Build{Arch: arch, Go: x.Version}
			sets[arch] = holders(check(t, b, "all.policy", useAll(b)))
		}
		has := func(arch, set, call string) bool {
			_, ok := sets[arch][holder{call, set}]
			return ok || sets[arch][holder{call, policy.FloorSet}]
		}
		names := runtimeset.For(runtimeset.Build{Arch: "amd64", Go: x.Version}).Names()
		for where, on := range calls {
			for _, set := range names {
				if strings.HasPrefix(set, "exec.static") || strings.HasPrefix(set, "exec.dynamic") { // C programs' too
					continue
				}
				if strings.HasSuffix(where, ":lstatNolog") && !strings.HasPrefix(set, "file") && set != "certs" { // os.Stat's call alone is meant
					continue
				}
				if len(on["amd64"]) == 0 || slices.ContainsFunc(on["amd64"], func(c string) bool { return !has("amd64", set, c) }) {
					continue
				}
				for _, arch := range derive.Arches {
					for _, c := range on[arch] {
						if !has(arch, set, c) {
							t.Errorf("go%s: %s has what %s calls on amd64, but not its %s on %s", x.Version, set, where, c, arch)
						}
					}
				}
			}
		}
	}
}
