package runtimeset_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/runtimeset/internal/derive"
)

var update = flag.Bool("update", false, "write the golden files")

// check returns the policy of a text for a build.
func check(t *testing.T, b runtimeset.Build, name, text string) *policy.Policy {
	t.Helper()
	arch, ok := kernel.ByName(b.Arch)
	if !ok {
		t.Fatalf("no architecture %s", b.Arch)
	}
	f, err := rule.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(b)})
	if err != nil {
		t.Fatalf("%+v: %v", b, err)
	}
	return p
}

// useAll is a policy that uses every set.
func useAll(b runtimeset.Build) string {
	names := slices.DeleteFunc(runtimeset.For(b).Names(), func(n string) bool {
		return n == policy.FloorSet || n == policy.LockSet // in force anyway
	})
	return "stage one\n\tuse " + strings.Join(names, ", ") + "\n"
}

// Every set has a meaning for every architecture, release and way to build.
func TestEverySetChecks(t *testing.T) {
	for _, arch := range kernel.Names() {
		for _, release := range runtimeset.Releases() {
			for _, cgo := range []bool{false, true} {
				b := runtimeset.Build{Arch: arch, Go: release, Cgo: cgo, Race: cgo && arch == "amd64"}
				p := check(t, b, "all.policy", useAll(b))
				if len(p.Floor.Rules) == 0 || len(p.Lock.Rules) == 0 || len(p.Fallbacks) == 0 {
					t.Errorf("%+v: floor %d, lock %d, fallbacks %d rules", b, len(p.Floor.Rules), len(p.Lock.Rules), len(p.Fallbacks))
				}
				for _, n := range p.Notes {
					t.Errorf("%+v: %s:%v: %s", b, n.File, n.Pos, n.Text)
				}
			}
		}
	}
}

func TestDefaultPolicyChecks(t *testing.T) {
	name, text := runtimeset.Default()
	for _, arch := range kernel.Names() {
		p := check(t, runtimeset.Build{Arch: arch}, name, text)
		if len(p.Stages) != 2 || p.Stages[0].Name != "init" || p.Stages[1].Name != "serve" {
			t.Errorf("%s: stages %+v", arch, p.Stages)
		}
	}
}

// TestGolden shows the calls of each set, so that a change of them is read by a person; those with a * hang on their
// arguments.
func TestGolden(t *testing.T) {
	builds := map[string]runtimeset.Build{
		"amd64-cgo":  {Arch: "amd64", Cgo: true},
		"amd64-race": {Arch: "amd64", Cgo: true, Race: true},
		"arm64-cgo":  {Arch: "arm64", Cgo: true},
	}
	for _, arch := range derive.Arches {
		builds[arch] = runtimeset.Build{Arch: arch}
	}
	for name, b := range builds {
		t.Run(name, func(t *testing.T) {
			b.Go = runtimeset.Newest
			p := check(t, b, "all.policy", useAll(b))
			var out bytes.Buffer
			fmt.Fprintf(&out, "What each set allows with go%s on %s: calls with a * hang on their arguments.\n", b.Go, name)
			for _, s := range setsOf(p) {
				list(&out, s)
			}
			out.WriteString("\nfallbacks\n")
			for _, r := range p.Fallbacks {
				fmt.Fprintf(&out, "    %s", r.Name)
				for _, c := range r.Else {
					fmt.Fprintf(&out, " %v", c.Action)
					if c.If != policy.Const(true) {
						out.WriteByte('*')
					}
				}
				out.WriteByte('\n')
			}
			golden(t, filepath.Join("testdata", name+".golden"), out.Bytes())
		})
	}
}

// setsOf returns all sets of a policy that uses them.
func setsOf(p *policy.Policy) []*policy.Set {
	sets := []*policy.Set{p.Floor, p.Lock}
	for _, step := range p.Stages[0].Steps {
		sets = append(sets, step.Sets...)
	}
	return sets
}

// TestReleasesGolden shows what each Go release adds to the sets of the one before and takes from them, on each
// architecture, rule by rule.
func TestReleasesGolden(t *testing.T) {
	var out bytes.Buffer
	out.WriteString("What each Go release adds to the sets of the one before (+) and takes from them (-).\n")
	for _, cgo := range []bool{false, true} {
		changes := make(map[string][]string) // the architectures, by what changes
		for _, arch := range derive.Arches {
			before := make(map[string]bool)
			for _, v := range runtimeset.Releases() {
				b := runtimeset.Build{Arch: arch, Go: v, Cgo: cgo}
				now := make(map[string]bool)
				for _, s := range setsOf(check(t, b, "all.policy", useAll(b))) {
					for i := range s.Rules {
						now[s.Name+": "+ruleText(&s.Rules[i], b)] = true
					}
				}
				for _, sign := range "+-" {
					x, y := now, before
					if sign == '-' {
						x, y = before, now
					}
					for r := range x {
						if !y[r] && len(before) > 0 {
							key := fmt.Sprintf("%s %c %s", v, sign, r)
							changes[key] = append(changes[key], arch)
						}
					}
				}
				before = now
			}
		}
		for _, key := range slices.Sorted(maps.Keys(changes)) {
			build := "pure Go"
			if cgo {
				build = "cgo"
			}
			on := " [" + strings.Join(changes[key], " ") + "]"
			if len(changes[key]) == len(derive.Arches) {
				on = ""
			}
			fmt.Fprintf(&out, "%s, go%s%s\n", build, key, on)
		}
	}
	golden(t, filepath.Join("testdata", "releases.golden"), out.Bytes())
}

// ruleText returns a rule as the language says it.
func ruleText(r *policy.Rule, b runtimeset.Build) string {
	arch, _ := kernel.ByName(b.Arch)
	call, _ := arch.CallNr(r.Nr)
	return r.Name + ": " + policy.FormatCond(r.Allow, &call, arch)
}

// list writes what a set allows.
func list(out *bytes.Buffer, s *policy.Set) {
	fmt.Fprintf(out, "\n%s: %s\n", s.Name, s.Doc)
	for _, part := range s.Parts {
		fmt.Fprintf(out, "    use %s\n", part.Name)
	}
	line := "   "
	for i, r := range s.Rules {
		if i > 0 && s.Rules[i-1].Nr == r.Nr {
			continue
		}
		word := " " + r.Name
		if !slices.ContainsFunc(s.Rules, func(o policy.Rule) bool { return o.Nr == r.Nr && o.Allow == policy.Const(true) }) {
			word += "*"
		}
		if len(line)+len(word) > 100 {
			fmt.Fprintln(out, line)
			line = "   "
		}
		line += word
	}
	if len(s.Rules) > 0 {
		fmt.Fprintln(out, line)
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it):\n%s", file, diff)
	}
}
