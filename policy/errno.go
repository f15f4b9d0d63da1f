package policy

import (
	"strconv"

	"github.com/stagelock/seccomp/internal/kernel"
)

// Text returns the action as `stagelock eval` prints it, for an architecture: allow, errno EPERM, kill, trap, log.
// The numbers of errnos differ between architectures: ENOSYS is 38 on amd64 and 89 on mips.
func (a Action) Text(arch *kernel.Arch) string {
	switch a.Kind {
	case Trap:
		return "trap"
	case Errno:
		return "errno " + errnoText(a.Errno, arch)
	case Log:
		return "log"
	case Allow:
		return "allow"
	}
	return "kill"
}

// String returns a.Text with the errnos of the architecture that the program was built for.
func (a Action) String() string { return a.Text(kernel.Native()) }

// errnoText names an errno; one that the architecture has no name for stays a number.
func errnoText(errno uint16, arch *kernel.Arch) string {
	if arch != nil {
		if name, ok := arch.ErrnoName(errno); ok {
			return name
		}
	}
	return strconv.Itoa(int(errno))
}
