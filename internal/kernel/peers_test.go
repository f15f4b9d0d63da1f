package kernel

import (
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// The audit numbers, which say the byte order too, of all architectures that both have.
func TestElasticAudit(t *testing.T) {
	for goarch, info := range map[string]*arch.Info{"ppc64": arch.PPC64, "ppc64le": arch.PPC64LE, "s390x": arch.S390X, "mips": arch.MIPS,
		"mipsle": arch.MIPSEL, "mips64": arch.MIPS64, "mips64le": arch.MIPSEL64} {
		a, ok := ByName(goarch)
		if !ok || a.Audit != uint32(info.ID) {
			t.Errorf("%s: audit %#x, elastic %#x", goarch, a.Audit, uint32(info.ID))
		}
	}
}

// TestElastic compares with the tables of another project, made from other sources.
func TestElastic(t *testing.T) {
	for goarch, info := range map[string]*arch.Info{"386": arch.I386, "amd64": arch.X86_64, "arm": arch.ARM, "arm64": arch.AARCH64} {
		a, _ := ByName(goarch)
		if a.Audit != uint32(info.ID) {
			t.Errorf("%s: audit %#x, elastic %#x", goarch, a.Audit, uint32(info.ID))
		}
		for nr, name := range info.SyscallNumbers {
			c, ok := a.CallNr(uint32(nr))
			if goarch == "arm64" && (nr == 244 || nr >= 403 && nr <= 423 || name == "fstatat") {
				// Elastic read asm-generic/unistd.h without its conditions: 244 is where an architecture's own
				// calls begin (__NR_arch_specific_syscall), 403 to 423 are those of 32-bit ones, and fstatat is
				// named __NR_newfstatat in the end.
				continue
			}
			if !ok {
				t.Errorf("%s: no %d %s", goarch, nr, name)
			} else if c.Name != name {
				t.Errorf("%s: %d is %s, elastic %s", goarch, nr, c.Name, name)
			}
		}
	}
}
