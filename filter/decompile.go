package filter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// DecompileOptions say where programs come from.
type DecompileOptions struct {
	// Arch is the architecture of the process that has the programs in force: its policy is given whether or not
	// the programs ask for it, and first. It may be nil.
	Arch *kernel.Arch
	// BigEndian is the byte order that the programs were made for; Arch's, if there is one, goes before.
	BigEndian bool
	// Lookup returns the architecture of an AUDIT_ARCH_* value, nil for one that is not to be told about. nil
	// stands for all that package kernel has.
	Lookup func(audit uint32) *kernel.Arch
	// Fallbacks are those of the policies that the text will be read as: see policy.TableFormat.
	Fallbacks func(*kernel.Arch) []policy.Rule
	// Stage names the stage of the texts. Empty: none is written.
	Stage string
}

// A Decompiled is what programs do, in the policy language.
type Decompiled struct {
	ABIs []ABI
	// Foreign is what a call gets that enters through another architecture than those of ABIs, or what comes
	// nearest to that; kill, where that is no single action. The language has it killed.
	Foreign policy.Action
	// Exact tells that nothing is left unsaid: the texts, checked and compiled again, do what the programs do.
	Exact  bool
	Unsaid []Unsaid
}

// An ABI is what programs do with the calls that enter through one architecture.
type ABI struct {
	Arch *kernel.Arch
	// Table decides about every call of Arch.
	Table *policy.Table
	// Text is Table as a policy, with what it leaves unsaid in comments. It begins at the next exec, so that no
	// floor is added to it.
	Text  string
	Exact bool // nothing that is Unsaid is about this ABI
}

// An Unsaid is something the programs do that the policy language has no words for. What the Table has in its place
// is nowhere milder in what the kernel reads.
type Unsaid struct {
	Kind  UnsaidKind
	Arch  *kernel.Arch // nil: it is not about one of the ABIs
	Calls []string     // the calls that it is about: names, or nr(N); none: it is not about single ones
	What  string
	// Listing has the instructions that say it, in the kernel's assembly language. It may be empty.
	Listing string
}

// An UnsaidKind is the kind of an Unsaid.
type UnsaidKind uint8

// The kinds of what the language can't say.
const (
	UnsaidAction    UnsaidKind = iota // another action: kill_thread, user_notif, trace, errno(0), trap with data
	UnsaidCondition                   // a test of a pointer, of the instruction pointer, of computed values; or too long
	UnsaidBits                        // a test of bits that the kernel ignores
	UnsaidNumbers                     // numbers without a call get something else than ENOSYS
	UnsaidForeign                     // numbers of x32 are not killed
	UnsaidArch                        // another architecture is not killed
	UnsaidProgram                     // all of it
)

func (k UnsaidKind) String() string {
	return [...]string{"action", "condition", "ignored bits", "numbers", "foreign numbers", "architecture", "program"}[k]
}

// decompileLimit bounds the nodes of what Decompile makes of a stack: about a second at worst.
const decompileLimit = 1 << 20

// Decompile says what a program does in the policy language. The program may come from anywhere; what the kernel
// would refuse is an error (bpf.ErrInvalid).
//
// Where the whole is too complex to decide the error is an *UndecidedError, and the result has the listing all the
// same.
func Decompile(insns []bpf.Instruction, o DecompileOptions) (*Decompiled, error) {
	return DecompileStack([][]bpf.Instruction{insns}, o)
}

// DecompileStack is Decompile for the programs of a process, the oldest first: what they amount to together.
func DecompileStack(programs [][]bpf.Instruction, o DecompileOptions) (*Decompiled, error) {
	if o.Arch != nil {
		o.BigEndian = o.Arch.BigEndian
	}
	if o.Lookup == nil {
		o.Lookup = archOf
	}
	for i, insns := range programs {
		if err := bpf.Check(insns); err != nil {
			if len(programs) > 1 {
				err = fmt.Errorf("filter %d: %w", i+1, err)
			}
			return nil, err
		}
	}
	x := &decompiler{options: o, programs: programs, d: policy.NewDecider(decompileLimit), out: &Decompiled{}}
	err := x.run()
	if err == nil && x.d.Err() != nil {
		err = &UndecidedError{Cause: x.d.Err()}
	}
	if err != nil {
		return x.undecided(err), err
	}
	return x.out, nil
}

// A decompiler says what one stack of programs does.
type decompiler struct {
	options  DecompileOptions
	programs [][]bpf.Instruction
	d        *policy.Decider
	unknown  []*unknowns // of each program
	out      *Decompiled
}

// undecided returns what is left where the programs are too complex: themselves.
func (x *decompiler) undecided(err error) *Decompiled {
	out := &Decompiled{}
	what := err.Error()
	var undecided *UndecidedError
	if errors.As(err, &undecided) {
		what = "the program is too complex to say what it does"
	}
	for i := range x.programs {
		out.Unsaid = append(out.Unsaid, Unsaid{Kind: UnsaidProgram, What: x.numbered(i, what),
			Listing: x.listing(i, func(int) bool { return true })})
	}
	return out
}

// numbered names a program in front of what is said about it, if there are several.
func (x *decompiler) numbered(i int, what string) string {
	if len(x.programs) == 1 {
		return what
	}
	return fmt.Sprintf("filter %d of %d: %s", i+1, len(x.programs), what)
}

func (x *decompiler) run() error {
	n, err := x.effect()
	if err != nil {
		return err
	}
	others := heaviest(x.d, map[bdd.Node]float64{n: 1}, policy.NrVar)
	list, whole := runs(x.d, n, policy.ArchVar, others)
	if !whole {
		x.unsaid(Unsaid{Kind: UnsaidArch, What: "it tells more architectures apart than can be listed"})
	}
	if a := x.options.Arch; a != nil {
		x.abi(a, follow(x.d, n, policy.ArchVar, a.Audit))
	}
	for _, r := range list {
		arch := x.options.Lookup(r.lo)
		switch {
		case r.lo != r.hi:
			x.arch(fmt.Sprintf("any of the architectures %#x to %#x", r.lo, r.hi), r.node, r.lo)
		case arch == nil || arch.BigEndian != x.options.BigEndian: // no kernel has calls in both byte orders
			x.arch(fmt.Sprintf("the architecture %#x, which is not known here,", r.lo), r.node, r.lo)
		case arch != x.options.Arch:
			x.abi(arch, r.node)
		}
	}
	x.foreign(others)
	for i := range x.out.ABIs {
		abi := &x.out.ABIs[i]
		abi.Exact = !slices.ContainsFunc(x.out.Unsaid, func(u Unsaid) bool { return u.Arch == abi.Arch })
	}
	x.out.Exact = len(x.out.Unsaid) == 0
	return nil
}

// effect returns the function that the programs are, over the input and what is unknown.
func (x *decompiler) effect() (bdd.Node, error) {
	n := x.d.Leaf(retAllow)
	next := int(unknownVar)
	for _, insns := range x.programs {
		u := newUnknowns(next)
		p := &Program{Arch: &kernel.Arch{Bits: 64, BigEndian: x.options.BigEndian}, Insns: insns}
		f, err := effectWith(x.d, p, u)
		if err != nil {
			return bdd.False, err
		}
		next = u.next
		x.unknown = append(x.unknown, u)
		n = x.d.Combine(n, f, Stricter)
	}
	return x.d.Map(n, canonical), x.d.Err()
}

func (x *decompiler) unsaid(u Unsaid) { x.out.Unsaid = append(x.out.Unsaid, u) }

// arch tells about an architecture that there is no table for.
func (x *decompiler) arch(name string, n bdd.Node, audit uint32) {
	if ret, constant := x.d.Value(n); constant {
		if ret != retKill {
			x.unsaid(Unsaid{Kind: UnsaidArch, What: fmt.Sprintf("entry through %s gets %s, the language kills", name,
				retText(ret, x.anyArch()))})
		}
		return
	}
	x.unsaid(Unsaid{Kind: UnsaidArch, What: fmt.Sprintf("entry through %s has rules of its own", name),
		Listing: x.reached(audit, nil)})
}

// foreign tells about all other architectures.
func (x *decompiler) foreign(n bdd.Node) {
	ret, constant := x.d.Value(n)
	if constant {
		x.out.Foreign, _ = nearest(ret, x.anyArch())
		if ret != retKill {
			x.unsaid(Unsaid{Kind: UnsaidArch, What: fmt.Sprintf("entry through any other architecture gets %s, the language kills",
				retText(ret, x.anyArch()))})
		}
		return
	}
	u := Unsaid{Kind: UnsaidArch, What: "entry through any other architecture has rules of its own, the language kills"}
	if a := x.options.Arch; a != nil {
		u.What = "it doesn't ask for the architecture: entry through another one, where numbers mean other calls, " +
			"gets the same by number, the language kills"
	}
	u.Listing = x.reached(0, nil)
	x.unsaid(u)
}

// anyArch returns an architecture to name errnos with.
func (x *decompiler) anyArch() *kernel.Arch {
	switch {
	case x.options.Arch != nil:
		return x.options.Arch
	case len(x.out.ABIs) > 0:
		return x.out.ABIs[0].Arch
	}
	return kernel.Native()
}

// archOf returns the architecture of an AUDIT_ARCH_* value, nil if there are no tables of it.
func archOf(audit uint32) *kernel.Arch {
	for _, name := range kernel.Names() {
		if a, _ := kernel.ByName(name); a.Audit == audit {
			return a
		}
	}
	return nil
}

// callText names a call as an Unsaid does.
func callText(d *policy.Decision) string {
	if d.Name == "" {
		return fmt.Sprintf("nr(%d)", d.Nr)
	}
	return d.Name
}

// numbersText writes a range of numbers.
func numbersText(lo, hi uint32) string {
	if lo == hi {
		return fmt.Sprintf("the number %d", lo)
	}
	return fmt.Sprintf("the numbers %d to %d", lo, hi)
}
