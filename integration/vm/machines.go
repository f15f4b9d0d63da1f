package main

import "fmt"

// A machine is a kernel of Debian's, and how QEMU runs it.
type machine struct {
	arch  string // GOARCH
	suite string // Debian's, as in a sources.list
	pkg   string // the metapackage that stands for the newest kernel of the suite
	fast  bool   // is among those that `-fast` runs
}

// name is how a machine is called on the command line: arm64/bookworm.
func (m machine) name() string { return m.arch + "/" + m.suite }

// machines are all that can be had. riscv64 has no kernel in a stable suite of Debian 12 or before.
var machines = []machine{
	{arch: "386", suite: host, fast: true},
	{arch: "amd64", suite: "bullseye", pkg: "linux-image-cloud-amd64", fast: true},
	{arch: "amd64", suite: "bookworm", pkg: "linux-image-cloud-amd64"},
	{arch: "amd64", suite: "bookworm-backports", pkg: "linux-image-cloud-amd64"},
	{arch: "amd64", suite: "sid", pkg: "linux-image-cloud-amd64"},
	{arch: "arm64", suite: "bullseye", pkg: "linux-image-cloud-arm64"},
	{arch: "arm64", suite: "bookworm", pkg: "linux-image-cloud-arm64", fast: true},
	{arch: "arm64", suite: "sid", pkg: "linux-image-cloud-arm64"},
	{arch: "s390x", suite: "bookworm", pkg: "linux-image-s390x", fast: true},
	{arch: "ppc64le", suite: "bookworm", pkg: "linux-image-powerpc64le"},
	{arch: "riscv64", suite: "sid", pkg: "linux-image-riscv64"},
	{arch: "arm", suite: "bookworm", pkg: "linux-image-armmp-lpae"},
	{arch: "386", suite: "bookworm", pkg: "linux-image-686-pae"},
	{arch: "mips64le", suite: "bookworm", pkg: "linux-image-loongson-3"},
}

// A hardware is what QEMU plays for an architecture.
type hardware struct {
	debian  string // Debian's name of the architecture
	program string // QEMU's
	from    string // the package that has it
	flags   []string
	console string
	tell    string // to the kernel, besides
}

// noTimerCheck leaves out a check at start that fails where QEMU is not given the processor for some milliseconds: the
// kernel panics then.
const noTimerCheck = "no_timer_check"

var hardwares = map[string]hardware{
	"amd64":    {"amd64", "qemu-system-x86_64", "qemu-system-x86", []string{"-M", "q35", "-cpu", "qemu64,-cx16"}, "ttyS0", noTimerCheck},
	"386":      {"i386", "qemu-system-i386", "qemu-system-x86", []string{"-M", "q35", "-cpu", "qemu32"}, "ttyS0", noTimerCheck},
	"arm64":    {"arm64", "qemu-system-aarch64", "qemu-system-arm", []string{"-M", "virt", "-cpu", "cortex-a57"}, "ttyAMA0", ""},
	"arm":      {"armhf", "qemu-system-arm", "qemu-system-arm", []string{"-M", "virt", "-cpu", "cortex-a15"}, "ttyAMA0", ""},
	"riscv64":  {"riscv64", "qemu-system-riscv64", "qemu-system-misc", []string{"-M", "virt"}, "ttyS0", ""},
	"s390x":    {"s390x", "qemu-system-s390x", "qemu-system-misc", []string{"-M", "s390-ccw-virtio", "-cpu", "max"}, "ttysclp0", ""},
	"mips64le": {"mips64el", "qemu-system-mips64el", "qemu-system-mips", []string{"-M", "loongson3-virt", "-smp", "1"}, "ttyS0", ""},
	"ppc64le":  {"ppc64el", "qemu-system-ppc64", "qemu-system-ppc", []string{"-M", "pseries", "-cpu", "power9"}, "hvc0", ""},
}

// find returns the machines of these names; for none all, or those of the fast part.
func find(names []string, fast bool) (found []machine, err error) {
	for _, m := range machines {
		if len(names) == 0 && (m.fast || !fast) {
			found = append(found, m)
		}
	}
	for _, name := range names {
		known := false
		for _, m := range machines {
			if m.name() == name || m.arch == name {
				found, known = append(found, m), true
			}
		}
		if !known {
			return nil, fmt.Errorf("there is no machine %q: `vm list` has them", name)
		}
	}
	return found, nil
}
