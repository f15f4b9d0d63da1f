package seccomp

import (
	"slices"

	"github.com/stagelock/seccomp/policy"
)

// A State is what is known of the process's stages.
type State struct {
	Mode     Mode
	Stage    string    // the stage in force, or observed; empty: none
	Receipts []Receipt // one for each Lock that put something in force, or under observation, in order
	Policy   string    // what is in force, or would be, in the language of docs/language.md; empty: nothing is
	Err      error     // why a Declare or Lock failed; nil if none did

	Observed []Observation // in mode Observe: what would have been refused so far, in the order in which it came
}

// Current returns the state of the process. The policy in it is the whole effect of all stages so far, with the values
// that only the process knew filled in; it is written when it is asked for.
func Current() State {
	m := &process
	m.mu.Lock()
	defer m.mu.Unlock()
	s := State{Mode: m.mode, Receipts: slices.Clone(m.receipts), Err: m.err}
	if m.inForce != nil {
		s.Stage = m.inForce.name
		s.Policy = m.policyText()
	}
	if m.observed != nil {
		s.Observed = m.observed()
	}
	return s
}

// policyText returns the policy in force.
func (m *machine) policyText() string {
	s := &m.plan.Stages[m.at]
	// What the language could not say stands in the text as a comment.
	text, _ := policy.FormatTable(s.Table, policy.TableFormat{
		Stage: m.inForce.name, Fallbacks: m.plan.Policy.Fallbacks, Origins: true,
	})
	return text
}
