// Package refusal says what a policy refuses: each call in words, counted by the rule that refuses it, and the rule that
// would have allowed it. It only keeps what it is told; who sees the calls is package launch, for another program, or
// the process itself in mode Observe.
package refusal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// A Log is what was refused of the calls of one architecture. The zero value with an Arch is ready for use; it is
// for one goroutine.
type Log struct {
	Arch *kernel.Arch
	Seen []*Entry // in the order in which they came
}

// An Entry is what was refused of one call by one rule.
type Entry struct {
	Nr    uint32
	By    *policy.Clause
	Count int
	First [6]uint64 // the arguments of the first
	More  bool      // it is of further numbers, too

	values [6][]uint64 // of each argument, those seen; cut off behind manyValues
}

// manyValues is how many of an argument a rule lists: one that lists more says little.
const manyValues = 8

// manyNumbers is how many numbers without a name have entries of their own, of one rule. There are four thousand million,
// and who tries them all must not fill the memory, or the screen, of whoever looks on.
const manyNumbers = 16

// Add counts a call and returns the entry that it belongs to.
func (l *Log) Add(nr uint32, args [6]uint64, by *policy.Clause) *Entry {
	x := l.entry(nr, by)
	if x == nil {
		x = &Entry{Nr: nr, By: by, First: args}
		l.Seen = append(l.Seen, x)
	}
	x.Count++
	for k, v := range args {
		if len(x.values[k]) <= manyValues && !slices.Contains(x.values[k], v) {
			x.values[k] = append(x.values[k], v)
		}
	}
	return x
}

// entry returns the entry that a call belongs to, nil if there is none yet.
func (l *Log) entry(nr uint32, by *policy.Clause) *Entry {
	_, known := l.Arch.CallNr(nr)
	var last *Entry
	nameless := 0
	for _, x := range l.Seen {
		if x.By != by {
			continue
		}
		if x.Nr == nr {
			return x
		}
		if _, ok := l.Arch.CallNr(x.Nr); !ok {
			last = x
			nameless++
		}
	}
	if known || nameless < manyNumbers {
		return nil
	}
	last.More = true
	return last
}

// Name names what an entry is of.
func (l *Log) Name(x *Entry) string {
	if x.More {
		return Name(l.Arch, x.Nr) + " and other numbers"
	}
	return Name(l.Arch, x.Nr)
}

// Name names a call as a rule does.
func Name(arch *kernel.Arch, nr uint32) string {
	if c, ok := arch.CallNr(nr); ok {
		return c.Name
	}
	return fmt.Sprintf("nr(%d)", nr)
}

// FileNames returns the arguments of a call that point to the name of a file, by the kernel's names for them.
func FileNames(c kernel.Call) (args []int) {
	for i, a := range c.Args() {
		switch a.Name {
		case "filename", "pathname", "path", "oldname", "newname", "dev_name", "dir_name", "new_root", "put_old", "specialfile":
			if a.Type.Pointer {
				args = append(args, i)
			}
		}
	}
	return args
}

// Call writes a call with its arguments: openat(dfd=AT_FDCWD, filename=0x7ffd…, flags=O_RDONLY|O_CLOEXEC, mode=0). texts
// are what pointers point to, by the number of the argument; it may be nil.
func Call(arch *kernel.Arch, nr uint32, args [6]uint64, texts map[int]string) string {
	c, ok := arch.CallNr(nr)
	if !ok {
		return fmt.Sprintf("nr(%d)(%#x)", nr, args)
	}
	var list []string
	for i, a := range c.Args() {
		if a.Type.Pointer {
			value := fmt.Sprintf("%#x", args[i])
			if text, ok := texts[i]; ok {
				value = text
			}
			list = append(list, a.Name+"="+value)
			continue
		}
		text := policy.FormatCond(equal(i, a, args[i]), &c, arch)
		if name, value, ok := strings.Cut(text, " == "); ok {
			text = name + "=" + value
		}
		list = append(list, text)
	}
	return c.Name + "(" + strings.Join(list, ", ") + ")"
}

// equal is the condition that an argument has a value, of which its type's bits count.
func equal(i int, a kernel.Arg, v uint64) policy.Cond {
	if a.Type.Bits < 64 {
		v &= 1<<a.Type.Bits - 1
	}
	return policy.Range{Arg: uint8(i), Bits: a.Type.Bits, Lo: v, Hi: v}
}

// Whose says where a refusal comes from: the stage, and the line of its policy if it is one.
func Whose(o *policy.Origin) string {
	at := ""
	if o.Line > 0 {
		at = fmt.Sprintf(", %s:%d:%d", o.File, o.Line, o.Col)
	}
	if o.Stage == "" { // the errno is built in: the one after which Go or libc take another way
		return "no rule" + at
	}
	return "stage " + o.Stage + at
}
