package seccomp_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

// descriptor returns the link in /proc that leads to what the process has published.
func descriptor(c *seccomptest.C) string {
	links, err := filepath.Glob("/proc/self/fd/*")
	c.Must(err)
	found := ""
	for _, l := range links {
		if to, _ := os.Readlink(l); to == proc.Published {
			if found != "" {
				c.Errorf("there are two: %s and %s", found, l)
			}
			found = l
		}
	}
	return found
}

var publishes = seccomptest.Case("what is in force is published", func(c *seccomptest.C) {
	const policy = "stage init\n    use file.read, file.io\n    sys_fcntl: 1 # the reader asks for the seals\n    sys_fcntl64: 1 # on 32-bit\nstage serve\n    sys_getppid: 0\n"
	if link := descriptor(c); link != "" {
		c.Errorf("before the first Lock there is %s already", link)
	}
	seccomp.MustDeclare("two.policy", policy)
	begin := time.Now().Truncate(time.Millisecond)
	for i, stage := range []string{"init", "serve"} {
		c.Must(seccomp.Stage(stage).Lock())
		r := seccomp.Current().Receipts[i]
		if len(r.Notes) > 0 && strings.Contains(r.Notes[len(r.Notes)-1], "published") {
			c.Fatalf("nothing is published: %v", r.Notes)
		}
		claim, err := proc.FS{}.Claim(os.Getpid())
		c.Must(err)
		if claim.Stage != stage || claim.Policy != "two.policy" || claim.Mode != "enforce" || claim.Source != policy {
			c.Errorf("it claims %+v", claim)
		}
		if claim.Allowed != r.Allowed || claim.Dropped != len(r.Dropped) || claim.Verified != r.Verified || claim.Own != i+1 {
			c.Errorf("it claims %+v, the receipt is %+v", claim, r)
		}
		if len(claim.Programs) != i+1 || len(claim.Programs[i]) != r.Instructions[0] {
			c.Errorf("it claims %d programs", len(claim.Programs))
		}
		if claim.Locked.Before(begin) || claim.Locked.After(time.Now()) {
			c.Errorf("it claims to be locked at %v, the test began at %v", claim.Locked, begin)
		}
		threads, err := proc.FS{}.Threads(os.Getpid())
		c.Must(err)
		for _, t := range threads {
			if d := claim.Disagrees(t); d != "" {
				c.Errorf("thread %d: %s", t.Tid, d)
			}
		}
	}
})

func TestPublished(t *testing.T) { publishes.Run(t) }

// Nothing of what root can do in the process changes what is published, but for the library's own mapping.
var sealed = seccomptest.Case("what is published is sealed", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Use("file", "memory", "exec").Rules("sys_fcntl: 1; sys_fcntl64: 1; " +
		"sys_ftruncate: 1; sys_ftruncate64: 1; sys_fallocate: 1; sys_mmap: 1; sys_mmap2: 1; sys_mprotect: 1").Lock())
	link := descriptor(c)
	file, err := os.OpenFile(link, os.O_RDWR, 0)
	c.Must(err)
	defer file.Close()
	_, err = file.WriteAt([]byte("stage none\n"), 24)
	refused := func(what string, err error) {
		if !errors.Is(err, syscall.EPERM) {
			c.Errorf("%s: %v, not EPERM", what, err)
		}
	}
	refused("write", err)
	refused("truncate", file.Truncate(24))
	refused("grow", file.Truncate(1<<20))
	_, err = unix.Mmap(int(file.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	refused("map", err)
	_, err = unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)
	refused("seal", err)
	mem, err := unix.Mmap(int(file.Fd()), 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
	c.Must(err)
	if !strings.HasPrefix(string(mem), "seccomp_filter 1 000001\n") {
		c.Errorf("it begins with %q", mem[:24])
	}
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EPERM) {
		c.Errorf("making a mapping writable: %v", err)
	}
	fd, err := os.Readlink(link)
	c.Must(err)
	if fd != proc.Published {
		c.Errorf("the link is %s", fd)
	}
})

func TestPublishedIsSealed(t *testing.T) { sealed.Run(t) }

var unpublished = seccomptest.Case("nothing can be published", func(c *seccomptest.C) {
	// A limit of file sizes makes every attempt fail, which must be no error, and no SIGXFSZ.
	c.Must(unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4096, Max: 4096}))
	c.Must(seccomp.Stage("init").Use("file").Lock())
	notes := strings.Join(seccomp.Current().Receipts[0].Notes, "\n")
	if !strings.Contains(notes, "nothing is published in /proc/PID/fd: ") || !strings.Contains(notes, "RLIMIT_FSIZE") {
		c.Errorf("the notes are %q", notes)
	}
	if _, err := (proc.FS{}).Claim(os.Getpid()); !errors.Is(err, proc.ErrUnpublished) {
		c.Errorf("Claim: %v", err)
	}
})

func TestUnpublished(t *testing.T) { unpublished.Run(t) }

var abandoned = seccomptest.Case("a failed Lock publishes nothing", func(c *seccomptest.C) {
	failed(c, seccomp.ErrTooLarge, func() error { return hugeStage().Lock() })
	if link := descriptor(c); link != "" {
		c.Errorf("there is %s", link)
	}
})

// hugeStage is compiled, and then is more than the kernel takes.
func hugeStage() *seccomp.Handle {
	return seccomp.Stage("init").Use("file").Rules(hugeRules())
}

func TestAbandoned(t *testing.T) { abandoned.Run(t) }

var saidInCode = seccomptest.Case("what is said in code is published", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Use("file", "net.server").Rules("sys_socket: family == AF_INET\nsys_fcntl: 1\nsys_fcntl64: 1").Lock())
	c.Must(seccomp.Stage("next").Use("file").Rules("sys_fcntl: 1\nsys_fcntl64: 1\nsys_getuid: 0").Lock())
	claim, err := proc.FS{}.Claim(os.Getpid())
	c.Must(err)
	const want = "stage init\n    use file, net.server\n    sys_socket: family == AF_INET\n    sys_fcntl: 1\n    sys_fcntl64: 1\n" +
		"stage next\n    only file\n    sys_fcntl: 1\n    sys_fcntl64: 1\n    sys_getuid: 0\n"
	if claim.Source != want || claim.Policy != "code" || claim.Stage != "next" || claim.Own != 2 {
		c.Errorf("it claims %+v", claim)
	}
})

func TestSaidInCodeIsPublished(t *testing.T) { saidInCode.Run(t) }
