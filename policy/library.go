package policy

import (
	"sync"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// Texts has built-in sets as people write them: policy files that hold rules and `use` only.
type Texts interface {
	// Text returns the text of a built-in set; ok is false if there is none of that name.
	Text(name string) (f *rule.File, ok bool)
	// Names returns the names of all sets that a policy may use, in order.
	Names() []string
	// FallbackText returns the text of the Library's Fallbacks: all its verdicts are 0.
	FallbackText() *rule.File
}

// A Reader is the Library that texts make. A text is checked when its set is first asked for, for each architecture.
// It may be used by several goroutines.
type Reader struct {
	texts Texts
	mu    sync.Mutex
	read  map[*kernel.Arch]*checker
}

// Read returns the library of the sets that t has.
func Read(t Texts) *Reader { return &Reader{texts: t, read: make(map[*kernel.Arch]*checker)} }

// Names returns the names of all sets, in order.
func (r *Reader) Names() []string { return r.texts.Names() }

// Set checks a set, with those that it uses. The error has the mistakes of all texts that were checked so far.
func (r *Reader) Set(name string, arch *kernel.Arch) (*Set, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.checker(arch)
	set := c.builtinSet(name)
	return set, c.errs.Err()
}

// Fallbacks checks the fallbacks. The error is as that of Set.
func (r *Reader) Fallbacks(arch *kernel.Arch) ([]Rule, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.checker(arch)
	rules := c.fallbacks()
	return rules, c.errs.Err()
}

// checker returns what has checked the texts for an architecture so far.
func (r *Reader) checker(arch *kernel.Arch) *checker {
	c, ok := r.read[arch]
	if !ok {
		c = &checker{arch: arch, texts: r.texts}
		r.read[arch] = c
	}
	c.budget = decideBudget
	return c
}

// names returns the names of the built-in sets.
func (c *checker) names() []string {
	if c.texts != nil {
		return c.texts.Names()
	}
	return c.lib.Names()
}

// adopt takes over the mistakes of a library's texts.
func (c *checker) adopt(err error) {
	list, _ := err.(rule.Errors) // as Library says
	for _, e := range list {
		if !c.errs.Has(e) { // the Reader tells them each time
			c.errs.Adopt(e)
		}
	}
}

// read checks the text of a built-in set.
func (c *checker) read(name string) *Set {
	f, ok := c.texts.Text(name)
	if !ok {
		return nil
	}
	set := &Set{Name: name, Doc: firstParagraph(f), Builtin: true}
	c.inFile(f.Name, func() {
		c.fill(set, f.Stmts, &standing{&Source{Kind: FromSet, Set: name, File: c.file}, true})
	})
	return set
}

// fallbacks gives the errnos that make Go or libc take another way their meaning.
func (c *checker) fallbacks() []Rule {
	if c.fallen != nil {
		return c.fallen
	}
	f := c.texts.FallbackText()
	seats := make([]seat, len(f.Stmts))
	to := newBlock(c.seat(f.Stmts, seats))
	c.inFile(f.Name, func() {
		in := &standing{&Source{Kind: FromFallback, File: c.file}, true}
		for i, x := range f.Stmts {
			if x, ok := x.(*rule.Rule); ok {
				c.rule(&to, x, seats[i], in)
			}
		}
	})
	c.fallen = to.rules
	return c.fallen
}

// firstParagraph returns the comment on top of a file, as a sentence.
func firstParagraph(f *rule.File) string {
	lines := f.Trailing
	if len(f.Stmts) > 0 {
		lines = f.Stmts[0].Notes().Before
	}
	return sentence(lines[:paragraph(lines)])
}
