//go:build !linux

package seccomptest

// envCase is never set: there are no children.
const envCase = "STAGELOCK_SECCOMPTEST_CASE"

func (tc *TestCase) run(Options) outcome { return outcome{Skipped: "only Linux has seccomp"} }

func child(string) {}

func filtered() bool { return false }
