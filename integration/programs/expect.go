package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stagelock/seccomp/integration/programs/internal/trial"
)

// What becomes of a probe: it works, or gets an errno.
const (
	done         = trial.Done
	eperm        = "EPERM"
	eafnosupport = "EAFNOSUPPORT"
)

// refusals are the errnos of what is not allowed, where it isn't EPERM in both stages.
var refusals = map[string]stages{
	"a netlink socket": {eafnosupport, eafnosupport}, // as on a kernel without, which Go can live with
	"one more filter":  {"EFAULT", eperm},            // allowed until the last stage; there is no filter at address 0
}

// expected says what becomes of each probe of a program.
func (p program) expected() map[string]stages {
	all := map[string]stages{}
	for _, name := range trial.Names() {
		all[name] = stages{eperm, eperm}
	}
	maps.Copy(all, refusals)
	for name, s := range p.allowed {
		if _, ok := all[name]; !ok {
			panic("no probe " + name)
		}
		all[name] = s
	}
	return all
}

// compare says in what the results of probes differ from what they should be in a stage.
func (p program) compare(stage int, results map[string]string) (wrong []string) {
	expected := p.expected()
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		if got, want := results[name], expected[name][stage]; got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %s, want %s", name, got, want))
		}
	}
	return wrong
}
