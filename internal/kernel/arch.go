package kernel

import "runtime"

// Native returns the Arch of the running program's GOARCH, whatever its GOOS; nil where Linux has no such port (wasm).
//
// runtime.GOARCH is a constant: the compiler keeps the one branch that is true, and the linker its tables alone.
func Native() *Arch {
	switch runtime.GOARCH {
	case "386":
		return &i386
	case "amd64":
		return &amd64
	case "arm":
		return &arm
	case "arm64":
		return &arm64
	case "loong64":
		return &loong64
	case "mips":
		return &mips
	case "mips64":
		return &mips64
	case "mips64le":
		return &mips64le
	case "mipsle":
		return &mipsle
	case "ppc64":
		return &ppc64
	case "ppc64le":
		return &ppc64le
	case "riscv64":
		return &riscv64
	case "s390x":
		return &s390x
	}
	return nil
}

// ByName returns the Arch of a GOARCH. A program that calls it links the tables of all.
func ByName(goarch string) (a *Arch, ok bool) {
	for _, a := range arches {
		if a.Name == goarch {
			return a, true
		}
	}
	return nil, false
}

// Names returns the GOARCHes that ByName knows, in order.
func Names() []string {
	names := make([]string, len(arches))
	for i, a := range arches {
		names[i] = a.Name
	}
	return names
}

var arches = [...]*Arch{&i386, &amd64, &arm, &arm64, &loong64, &mips, &mips64, &mips64le, &mipsle, &ppc64, &ppc64le,
	&riscv64, &s390x}
