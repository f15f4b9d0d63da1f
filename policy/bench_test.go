package policy

import (
	"testing"

	"github.com/stagelock/seccomp/rule"
)

// parsed is the library with its texts parsed beforehand: Check is what is measured.
type parsed map[string]*rule.File

func (p parsed) Text(name string) (*rule.File, bool) {
	f, ok := p[name]
	return f, ok && name != fallbackText
}
func (p parsed) Names() []string          { return library.Names() }
func (p parsed) FallbackText() *rule.File { return p[fallbackText] }

const webserver = `
deny errno(EPERM)

stage init
    use file.read, file.io, net
    sys_socket: family in {AF_INET, AF_INET6}
    sys_openat: (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY
    sys_mprotect: !(prot & PROT_EXEC)
    sys_setsockopt: level in {SOL_SOCKET, IPPROTO_TCP} && optname < 30
    sys_fcntl: cmd in {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC}
    sys_ptrace: 0 else kill

stage serve
    drop file.read
    sys_socket: 0
    sys_mmap: 0
`

func BenchmarkCheck(b *testing.B) {
	lib := parsed{}
	for name, text := range library {
		lib[name] = library.parse(name, text)
	}
	t := target(b, "amd64")
	t.Sets = Read(lib)
	f, err := rule.Parse("webserver", webserver)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for range b.N {
		if _, err := Check(f, t); err != nil {
			b.Fatal(err)
		}
	}
}
