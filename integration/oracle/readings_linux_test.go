//go:build (amd64 || arm64 || riscv64 || loong64 || ppc64le || mips64le) && !race

// Of arguments in registers of 64 bits. The race detector makes calls of its own on the thread that measures.

package oracle

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/seccomptest"
)

// A reading is a call that does no harm, and one of its arguments. The kernel's answer tells whether it takes a value for
// the one that stands there; a filter that compares the argument with that one must say the same.
type reading struct {
	call    string
	args    [6]uintptr
	arg     int
	others  []uint64                // values that the kernel takes for something else
	rule    string                  // where it isn't `ARG == VALUE`; the tables of an architecture have its own name for ARG
	show    func(r uintptr) any     // what of a result tells; nil: itself
	answer  func(value uintptr) any // in place of making the call
	refusal syscall.Errno           // of values in which bits are set that the filter does not look at: no hole, whatever it says
}

// forms returns a value as callers and attackers may pass it: extended with zeros and with ones, and with bits in and above
// the lowest, of which the argument has so many.
func forms(v uint64, inner bool, width uint8) []uint64 {
	list := []uint64{v}
	low := uint64(1)<<width - 1
	if width < 64 {
		list = append(list, v&low, v|^low)
	}
	for _, bits := range []uint64{1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 47, 1 << 62, 1 << 63, 0xffff << 16} {
		if inner || bits&low == 0 {
			list = append(list, v^bits, v&low|bits)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// tried returns all values of a reading. Where a rule says more than ==, the bits of the argument itself are left to others.
func (r *reading) tried(width uint8) (list []uint64) {
	for _, v := range append([]uint64{uint64(r.args[r.arg])}, r.others...) {
		list = append(list, forms(v, r.rule == "", width)...)
	}
	return list
}

// with returns the arguments with a value in the place that is looked at.
func (r *reading) with(value uint64) [6]uintptr {
	args := r.args
	args[r.arg] = uintptr(value)
	return args
}

// ask has the kernel take the value.
func (r *reading) ask(nr uint32, value uint64) any {
	if r.answer != nil {
		return r.answer(uintptr(value))
	}
	a := r.with(value)
	got, _, errno := unix.Syscall6(uintptr(nr), a[0], a[1], a[2], a[3], a[4], a[5])
	switch {
	case errno != 0:
		return errno
	case r.show != nil:
		return r.show(got)
	}
	return got
}

// text returns the rule of a policy.
func (r *reading) text(a kernel.Arg) string {
	value := fmt.Sprintf("%#x", uint64(r.args[r.arg])&(1<<a.Type.Bits-1))
	if a.Type.Signed && a.Type.Bits == 32 {
		value = fmt.Sprint(int32(r.args[r.arg]))
	}
	rule := r.rule
	if rule == "" {
		rule = "ARG == " + value
	}
	return "sys_" + r.call + ": " + strings.ReplaceAll(rule, "ARG", a.Name) + "\n"
}

// TestReadings compares, for the calls that policies filter most, the verdict of an installed filter with what the kernel
// reads of the same registers.
func TestReadings(t *testing.T) {
	for i := range 4 { // a policy has one rule for a call
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			readings.RunWith(t, seccomptest.Options{Env: []string{fmt.Sprintf("%s=%d", envSubject, i),
				"GODEBUG=" + strings.TrimPrefix(os.Getenv("GODEBUG")+",asyncpreemptoff=1", ",")}})
		})
	}
}

var readings = seccomptest.Case("readings", func(c *seccomptest.C) {
	c.Unlocked() // but for the thread that measures
	var turn int
	if _, err := fmt.Sscan(os.Getenv(envSubject), &turn); err != nil {
		c.Fatalf("%s: %v", envSubject, err)
	}
	count := make(map[string]int)
	var list []reading
	all, remove := allReadings(c)
	for _, r := range all {
		if count[r.call] == turn {
			list = append(list, r)
		}
		count[r.call]++
	}
	if len(count) < 13 || len(list) == 0 {
		c.Fatalf("%d readings of %d calls", len(list), len(count))
	}

	var text strings.Builder
	text.WriteString("on_next_syscall: 1\n")
	var inputs []input
	var same []bool // as the kernel reads it
	for i := range list {
		r := &list[i]
		call, ok := native.Call(r.call)
		if !ok {
			c.Fatalf("no call %s", r.call)
		}
		text.WriteString(r.text(call.Args()[r.arg]))
		base := r.ask(call.Nr, uint64(r.args[r.arg]))
		differ := 0
		for _, v := range r.tried(call.Args()[r.arg].Type.Bits) {
			got := r.ask(call.Nr, v)
			if r.refusal != 0 && got == r.refusal {
				continue
			}
			inputs = append(inputs, input{uintptr(call.Nr), r.with(v)})
			same = append(same, got == base)
			if got != base {
				differ++
			}
		}
		if differ == 0 {
			c.Errorf("%s: the kernel answers %v to every %s: this shows nothing", r.call, base, call.Args()[r.arg].Name)
		}
	}
	remove()
	plan, err := planned("readings", text.String())
	c.Must(err)
	progs, err := filter.Compile(plan.Filter(-1, 0), filter.Options{})
	c.Must(err)
	if len(progs) != 1 {
		c.Fatalf("%d programs", len(progs))
	}
	verdicts, err := measure([][]bpf.Instruction{progs[0].Insns}, distinct{}, inputs)
	c.Must(err)
	for i, in := range inputs {
		if allowed := verdicts[i] == markAllow; allowed != same[i] {
			call, _ := native.CallNr(uint32(in.nr))
			c.Errorf("%s %#x: the filter allows it: %t; the kernel takes it for what is allowed: %t", call.Name, in.args, allowed, same[i])
		}
	}
	c.Logf("%d values of %d arguments", len(inputs), len(list))
})

// A page outside Go's heap, whose addresses may be handed to the kernel as numbers.
type page struct {
	base, next uintptr
	pipe       [2]int
}

func newPage(c *seccomptest.C) *page {
	base, _, errno := unix.Syscall6(unix.SYS_MMAP, 0, uintptr(os.Getpagesize()), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	if errno != 0 {
		c.Fatalf("mmap: %v", errno)
	}
	p := &page{base: base, next: base}
	c.Must(unix.Pipe2(p.pipe[:], unix.O_CLOEXEC))
	return p
}

// put has the kernel write bytes there, since Go may not, and returns where.
func (p *page) put(c *seccomptest.C, b ...byte) uintptr {
	_, err := unix.Write(p.pipe[1], b)
	c.Must(err)
	at := p.next
	if n, _, errno := unix.Syscall(unix.SYS_READ, uintptr(p.pipe[0]), at, uintptr(len(b))); errno != 0 || int(n) != len(b) {
		c.Fatalf("read: %d, %v", n, errno)
	}
	p.next += uintptr(len(b)+15) &^ 15
	return at
}

// closed closes a descriptor, whichever it is: that there is one is the answer.
func closed(fd uintptr) any { return unix.Close(int(fd)) }

// option asks a socket.
func option(name int) func(fd uintptr) any {
	return func(fd uintptr) any {
		defer unix.Close(int(fd))
		v, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, name)
		return fmt.Sprint(v, err)
	}
}

// started tells how a program ends to start that is cloned with flags.
func started(flags uintptr) any {
	p, err := os.StartProcess("/proc/self/exe", []string{"oracle", "-test.run=^$"},
		&os.ProcAttr{Env: []string{}, Sys: &syscall.SysProcAttr{Cloneflags: flags}})
	if err == nil {
		_, err = p.Wait()
	}
	return fmt.Sprint(err)
}
