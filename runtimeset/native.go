package runtimeset

import (
	_ "embed"
	"runtime"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset/internal/compiled"
)

//go:embed default.policy
var standard string

// Default returns the policy of a program that declares none as it is written, with the name that messages call it by.
func Default() (name, text string) { return compiled.PolicyFile, standard }

// Native returns the sets of a build of the running program's GOARCH, nil where Linux has no such. They mean what those
// of [For] mean, but are checked beforehand: a program carries no more of them than its own GOARCH needs, without the
// sentences and reasons, which nobody reads there. They are for one goroutine.
func Native(b Build) policy.Library {
	if l := native(b); l != nil {
		return l
	}
	return nil
}

// NativeDefault returns what the default policy means for a build of the running program's GOARCH, nil where Linux has
// no such.
func NativeDefault(b Build) *policy.Policy {
	if l := native(b); l != nil {
		return l.Default()
	}
	return nil
}

func native(b Build) *compiled.Library {
	arch := kernel.Native()
	if arch == nil {
		return nil
	}
	b.Arch = arch.Name
	return compiled.Open(nativeTable(), arch, b.has)
}

// nativeTable returns the table of the running program's GOARCH.
//
// runtime.GOARCH is a constant: the compiler keeps the one branch that is true, and so one table.
func nativeTable() string {
	switch runtime.GOARCH {
	case "386":
		return table386
	case "amd64":
		return tableAMD64
	case "arm":
		return tableARM
	case "arm64":
		return tableARM64
	case "loong64":
		return tableLoong64
	case "mips":
		return tableMIPS
	case "mips64":
		return tableMIPS64
	case "mips64le":
		return tableMIPS64LE
	case "mipsle":
		return tableMIPSLE
	case "ppc64":
		return tablePPC64
	case "ppc64le":
		return tablePPC64LE
	case "riscv64":
		return tableRISCV64
	case "s390x":
		return tableS390X
	}
	return ""
}
