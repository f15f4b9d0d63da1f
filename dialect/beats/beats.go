// Package beats reads and writes the policies of elastic's Beats: the setting `seccomp` of their configuration, in YAML
// or JSON, which is the type Policy of github.com/elastic/go-seccomp-bpf.
//
//	seccomp:
//	  default_action: errno
//	  syscalls:
//	  - action: allow
//	    names: [read, write, exit_group]
//	    names_with_args:
//	    - name: socket
//	      arguments:
//	      - {argument: 0, operation: Equal, value: 2}
//
// A policy means what elastic documents: the groups are tried in order, and the first that names the call, with
// arguments for which one of its lists of conditions holds whole, gives its action. All 64 bits are compared, unsigned.
// BitsSet holds where any of the bits is set, BitsNotSet where none is. The action errno is EPERM. A number that the
// tables don't have gets the default action, x32's get ENOSYS.
//
// What version 1.6.0 of elastic's loader makes of a policy with arguments is another thing: where a condition fails,
// it goes on comparing the argument with the numbers of further calls. Write puts such groups last, and notes it.
package beats

import (
	"slices"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/policy"
)

// actions are elastic's, in the order of strictness (go-seccomp-bpf, policy.go).
var actions = []string{"kill_process", "kill_thread", "trap", "errno", "trace", "log", "allow"}

// kinds has what each of actions is here; of kill_thread and trace something stricter.
var kinds = [...]policy.Kind{policy.Kill, policy.Kill, policy.Trap, policy.Errno, policy.Errno, policy.Log, policy.Allow}

// eperm is the errno of the action errno (assembler.go, Ret), 1 on all architectures.
const eperm = 1

// actionName returns elastic's word for an action; exact is false where only another errno is there.
func actionName(a policy.Action) (name string, exact bool) {
	i := slices.Index(kinds[:], a.Kind)
	return actions[i], a.Kind != policy.Errno || a.Errno == eperm
}

// operations are elastic's.
var operations = []string{"Equal", "NotEqual", "LessThan", "LessOrEqual", "GreaterThan", "GreaterOrEqual", "BitsSet",
	"BitsNotSet"}

// bitsSet and bitsNotSet are their places in operations; those before are dialect's comparisons in the same order.
const (
	bitsSet    = 6
	bitsNotSet = 7
)

// condition returns what an operation means.
func condition(arg uint8, operation int, v uint64) policy.Cond {
	switch operation {
	case bitsSet:
		return policy.Not{X: policy.Masked{Arg: arg, Bits: 64, Mask: v}}
	case bitsNotSet:
		return policy.Masked{Arg: arg, Bits: 64, Mask: v}
	}
	return dialect.Comparison{Arg: arg, Op: dialect.Op(operation), A: v}.Cond()
}

// arches are those that elastic has tables for.
var arches = []string{"386", "amd64", "arm", "arm64"}
