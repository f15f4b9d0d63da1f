package kernel

import "testing"

// TestServerNames: what policies of servers name by the kernel's names is there, on the two main architectures.
func TestServerNames(t *testing.T) {
	for _, goarch := range []string{"amd64", "arm64"} {
		a, _ := ByName(goarch)
		for call, arg := range map[string]string{
			"mmap": "prot", "madvise": "behavior", "clone": "clone_flags", "prctl": "option", "socket": "family",
			"fcntl": "cmd", "ioctl": "cmd", "openat": "flags", "futex": "op", "kill": "sig", "tgkill": "sig",
			"setsockopt": "optname", "prlimit64": "resource", "mprotect": "prot", "newfstatat": "", "epoll_pwait": "",
		} {
			c, ok := a.Call(call)
			if !ok {
				t.Errorf("%s: no %s", goarch, call)
				continue
			}
			found := arg == ""
			for _, x := range c.Args() {
				found = found || x.Name == arg
			}
			if !found {
				t.Errorf("%s: %s has no %s: %v", goarch, call, arg, c.Args())
			}
		}
	}
}
