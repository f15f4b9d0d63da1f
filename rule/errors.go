package rule

import (
	"errors"
	"strings"
)

// The classes of errors of this package.
var (
	ErrSyntax   = errors.New("not the policy language")
	ErrTooLarge = errors.New("policy text too large")
	ErrMore     = errors.New("more mistakes than are told") // of the last of many
)

// An Error is one mistake in a policy text. Package policy uses it too.
type Error struct {
	File string
	Pos
	Msg   string // what was found, what was expected, and the nearest right word
	Class error  // the sentinel: ErrSyntax, ErrTooLarge, or one of package policy
}

// Error returns `file:line:col: message`.
func (e *Error) Error() string {
	if e.File == "" {
		return e.Pos.String() + ": " + e.Msg
	}
	return e.File + ":" + e.Pos.String() + ": " + e.Msg
}

// Unwrap returns the class.
func (e *Error) Unwrap() error { return e.Class }

// Errors are all mistakes of a text, by place. Of many the last only says that there are more: its class is ErrMore.
type Errors []*Error

// Error returns one line for each error.
func (e Errors) Error() string {
	var b strings.Builder
	for i, err := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

// Unwrap returns the errors one by one.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, err := range e {
		list[i] = err
	}
	return list
}

// Err returns the sorted errors as an error, nil if there are none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	e.Sort()
	return e
}
