package rule

import (
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/order"
)

// maxErrors is how many mistakes of a text are told.
const maxErrors = 50

// Mistakes collects what is wrong with a text. Of any number it keeps the first by place, and counts the others: a
// text of a megabyte can have some 250,000.
type Mistakes struct {
	list Errors
	bar  *Error // nothing behind it is kept; nil until there are many
	more int    // not kept
}

// Adopt takes over mistakes that were found before.
func (m *Mistakes) Adopt(list ...*Error) {
	for _, e := range list {
		if m.misses(e.File, e.Pos) {
			m.keep(e)
		}
	}
}

// Add takes down a mistake.
func (m *Mistakes) Add(file string, at Pos, class error, format string, args ...any) {
	if m.misses(file, at) {
		m.keep(&Error{file, at, fmt.Sprintf(format, args...), class})
	}
}

// Wants tells whether a mistake at a place would be told, so that what goes into its message is worth looking for.
func (m *Mistakes) Wants(file string, at Pos) bool { return m.bar == nil || before(file, at, m.bar) }

// misses is Wants; it counts what is not kept.
func (m *Mistakes) misses(file string, at Pos) bool {
	if m.Wants(file, at) {
		return true
	}
	m.more++
	return false
}

func (m *Mistakes) keep(e *Error) {
	if m.list = append(m.list, e); len(m.list) > 2*maxErrors {
		m.list.Sort()
		m.more += len(m.list) - maxErrors
		m.list = m.list[:maxErrors]
		m.bar = m.list[maxErrors-1]
	}
}

// Count returns how many there are.
func (m *Mistakes) Count() int { return len(m.list) + m.more }

// At tells whether a mistake is known at a place.
func (m *Mistakes) At(file string, at Pos) bool {
	return slices.ContainsFunc(m.list, func(e *Error) bool { return e.File == file && e.Pos == at })
}

// Has tells whether a mistake is known already.
func (m *Mistakes) Has(e *Error) bool { return slices.Contains(m.list, e) }

// Clone returns a copy, to which more can be added.
func (m *Mistakes) Clone() Mistakes { return Mistakes{slices.Clone(m.list), m.bar, m.more} }

// Err returns the mistakes by place as Errors, nil if there are none. Behind the first 50 one says how many more there
// are, at the place of the next.
func (m *Mistakes) Err() error {
	if len(m.list) == 0 {
		return nil
	}
	list := slices.Clone(m.list)
	list.Sort()
	if more := m.Count() - maxErrors; more > 0 {
		next := list[min(maxErrors, len(list)-1)]
		text := "and %d more mistakes"
		if more == 1 {
			text = "and %d more mistake"
		}
		list = append(list[:maxErrors:maxErrors], &Error{next.File, next.Pos, fmt.Sprintf(text, more), ErrMore})
	}
	return list
}

// before tells whether a place comes before an error's.
func before(file string, at Pos, e *Error) bool {
	if file != e.File {
		return file < e.File
	}
	return at.Precedes(e.Pos)
}

// Sort sorts the errors by file and place. Those of one place stay in their order.
func (e Errors) Sort() {
	order.Stable(e, func(i, j int) bool { return before(e[i].File, e[i].Pos, e[j]) })
}
