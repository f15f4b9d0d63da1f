package filter

import "github.com/stagelock/seccomp/policy"

// A window is the numbers that a program decides about; it allows all others, for other programs to decide.
type window struct{ first, last uint32 }

var allNumbers = window{0, 1<<32 - 1}

// split compiles a table into the fewest programs that hold it, at most as many as fit in the budget.
//
// A table that is too long for one program is cut by numbers: each program decides about a window of them and allows
// the rest, so that whatever is stricter, the one whose window it is decides. A call made outside the window costs a
// program five instructions, and keeps its place in the kernel's bitmap.
func split(t *policy.Table, o *Options, budget int) ([]*Program, error) {
	c := newCompiler(t, o, allNumbers)
	defer c.release()
	p, err := c.program()
	if err != nil {
		return nil, err
	}
	total := len(p.Insns)
	if total <= MaxInstructions {
		return []*Program{p}, nil
	}
	lengths := c.lengths()
	for _, l := range lengths {
		if l.n > MaxInstructions {
			d, _ := t.Find(l.nr)
			return nil, &SizeError{Call: d.Name, Nr: l.nr, Instructions: l.n, Limit: MaxInstructions}
		}
	}
	for n := (total + MaxInstructions - 1) / MaxInstructions; ; n++ {
		if weight := p.Weight(); weight > budget || n > len(lengths) {
			return nil, &SizeError{Instructions: total, Weight: weight, Programs: n, Limit: budget}
		}
		progs, err := c.cut(n, lengths, o)
		if progs != nil || err != nil {
			return progs, err
		}
	}
}

// A code is how many instructions a place took.
type code struct {
	place        int32
	instructions int
}

// A length is how many instructions the whole program took for a call, and a little for finding it.
type length struct {
	nr uint32
	n  int
}

// findLength is about what finding one call takes, in instructions.
const findLength = 2

// lengths returns the lengths of all calls that the table lists, by ascending number.
func (c *compiler) lengths() []length {
	took := make(map[int32]int)
	for _, x := range c.code {
		took[x.place] += x.instructions
	}
	hot := c.hot
	calls := c.window.of(c.table.Calls)
	list := make([]length, len(calls))
	for i := range calls {
		list[i] = length{calls[i].Nr, findLength}
		if len(hot) > 0 && hot[0].lo == calls[i].Nr {
			list[i].n += took[hot[0].to]
			hot = hot[1:]
		}
	}
	return list
}

// cut compiles into n programs of about the same length; it returns none if one of them gets too long.
func (c *compiler) cut(n int, lengths []length, o *Options) ([]*Program, error) {
	total := 0
	for _, l := range lengths {
		total += l.n
	}
	progs := make([]*Program, 0, n)
	w := window{}
	sum := 0
	for i, l := range lengths {
		sum += l.n
		last := i == len(lengths)-1
		if !last && sum < total*(len(progs)+1)/n {
			continue
		}
		if w.last = l.nr; last {
			w.last = allNumbers.last
		}
		part := newCompiler(c.table, o, w)
		p, err := part.program()
		part.release()
		if err != nil {
			return nil, err
		}
		if len(p.Insns) > MaxInstructions {
			return nil, nil
		}
		progs = append(progs, p)
		w.first = l.nr + 1
	}
	return progs, nil
}
