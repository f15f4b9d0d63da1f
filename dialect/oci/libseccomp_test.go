package oci

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// The types of the specification, as runc has them (runtime-spec, specs-go/config.go).
type (
	specProfile struct {
		DefaultAction   string
		DefaultErrnoRet *uint16
		Syscalls        []specSyscall
	}
	specSyscall struct {
		Names    []string
		Action   string
		ErrnoRet *uint16
		Args     []specArg
	}
	specArg struct {
		Index           int
		Value, ValueTwo uint64
		Op              string
	}
)

// A rule is what runc hands to libseccomp's seccomp_rule_add.
type scmpRule struct {
	action string
	args   []specArg
}

// matches evaluates the comparisons of one rule, all of which must hold (seccomp_rule_add(3)).
func (r scmpRule) matches(args [6]uint64) bool {
	for _, c := range r.args {
		x, ok := args[c.Index], false
		switch c.Op {
		case "SCMP_CMP_NE":
			ok = x != c.Value
		case "SCMP_CMP_LT":
			ok = x < c.Value
		case "SCMP_CMP_LE":
			ok = x <= c.Value
		case "SCMP_CMP_EQ":
			ok = x == c.Value
		case "SCMP_CMP_GE":
			ok = x >= c.Value
		case "SCMP_CMP_GT":
			ok = x > c.Value
		case "SCMP_CMP_MASKED_EQ":
			ok = x&c.Value == c.ValueTwo&c.Value
		}
		if !ok {
			return false
		}
	}
	return true
}

// A scmpFilter is a profile as runc and libseccomp hold it: a second reading of it, which shares nothing with the first.
type scmpFilter struct {
	arch     *kernel.Arch
	fallback string
	rules    map[string][]scmpRule
	greatest uint32 // number that the profile names
	stub     bool   // runc puts ENOSYS for greater ones before it
}

// socketcall returns how libseccomp reaches a socket call by another number as well: what `scmp_bpf_disasm` shows of its
// filters for x86, mips, ppc and s390 that name one. TestMultiplexed of integration/peers compares with the library.
func socketcall(arch *kernel.Arch, name string) (through string, sub uint64) {
	switch arch.Name {
	case "386", "mips", "mipsle", "ppc64", "ppc64le", "s390x":
		switch name {
		case "socket":
			return "socketcall", 1
		case "bind":
			return "socketcall", 2
		}
	}
	return "", 0
}

func spelled(action string, errno *uint16) string {
	switch action {
	case "SCMP_ACT_ERRNO":
		if errno == nil {
			return "errno 1"
		}
		return fmt.Sprintf("errno %d", *errno)
	case "SCMP_ACT_KILL_PROCESS":
		return "kill"
	case "SCMP_ACT_TRAP":
		return "trap"
	case "SCMP_ACT_LOG":
		return "log"
	}
	return "allow"
}

func load(t *testing.T, text []byte, arch *kernel.Arch) *scmpFilter {
	t.Helper()
	var p specProfile
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	f := &scmpFilter{arch: arch, fallback: spelled(p.DefaultAction, p.DefaultErrnoRet), rules: make(map[string][]scmpRule)}
	f.stub = f.fallback != "allow" && f.fallback != "log" && f.fallback != "errno 38"
	for _, s := range p.Syscalls {
		for _, name := range s.Names {
			through, sub := socketcall(arch, name)
			reach := func(args []specArg) { // the rule for the same call by the other number: args[0] is overwritten
				if through != "" {
					rule := scmpRule{spelled(s.Action, s.ErrnoRet), []specArg{{Index: 0, Value: sub, Op: "SCMP_CMP_EQ"}}}
					for _, a := range args {
						if a.Index > 0 {
							rule.args = append(rule.args, a)
						}
					}
					f.rules[through] = append(f.rules[through], rule)
				}
			}
			call, ok := arch.Call(name)
			if !ok {
				continue
			}
			f.greatest = max(f.greatest, call.Nr)
			action := spelled(s.Action, s.ErrnoRet)
			if action == f.fallback {
				continue
			}
			var used [6]int
			for _, a := range s.Args {
				used[a.Index]++
			}
			if slices.Max(used[:]) > 1 { // "Revert to old behavior" (runc, matchCall)
				for _, a := range s.Args {
					f.rules[name] = append(f.rules[name], scmpRule{action, []specArg{a}})
					reach([]specArg{a})
				}
				continue
			}
			f.rules[name] = append(f.rules[name], scmpRule{action, s.Args})
			reach(s.Args)
		}
	}
	return f
}

// eval returns what a call gets; ok is false where rules with different actions match and libseccomp gives no order.
func (f *scmpFilter) eval(call kernel.Call, args [6]uint64) (action string, ok bool) {
	if f.stub && f.greatest > 0 && call.Nr > f.greatest {
		return "errno 38", true
	}
	for _, r := range f.rules[call.Name] { // libseccomp: a rule without comparisons replaces those with
		if len(r.args) == 0 {
			return r.action, true
		}
	}
	found := ""
	for _, r := range f.rules[call.Name] {
		if r.matches(args) {
			if found != "" && found != r.action {
				return "", false
			}
			found = r.action
		}
	}
	if found == "" {
		found = f.fallback
	}
	return found, true
}

// word returns an action of ours as spelled does.
func word(a policy.Action) string {
	if a.Kind == policy.Errno {
		return fmt.Sprintf("errno %d", a.Errno)
	}
	return a.String()
}
