package policy

import (
	"errors"
	"fmt"
	"iter"

	"github.com/stagelock/seccomp/rule"
)

// The classes of mistakes that Check finds, beside bdd's ErrTooComplex. Each comes as a *rule.Error in rule.Errors.
var (
	ErrEmpty     = errors.New("empty policy")
	ErrUnknown   = errors.New("unknown name")
	ErrTwice     = errors.New("said twice")
	ErrMisplaced = errors.New("not allowed here")
	ErrType      = errors.New("value does not fit its argument")
	ErrConstant  = errors.New("condition that is always true or always false")
	ErrCycle     = errors.New("set that contains itself")
	ErrNoEffect  = errors.New("without effect")
)

// maxGuesses is how many mistakes of a text get a nearest word: looking for one takes longer than all the rest.
const maxGuesses = 100

// errorf reports a mistake of the text that is being checked. Like other functions marked so, it is called
// in so many places that copies of it would make up a tenth of the package's code in every program.
//
//go:noinline
func (c *checker) errorf(class error, at rule.Pos, format string, args ...any) {
	if c.torn && class == ErrTwice {
		return // a stage that is missing may be why
	}
	c.errs.Add(c.file, at, class, format, args...)
}

// maxNotes is how many notes on a text are told. The last message says the number too.
const maxNotes = 50

// notef reports something that a person should know.
//
//go:noinline
func (c *checker) notef(at rule.Pos, format string, args ...any) {
	if len(c.notes) > maxNotes {
		return
	}
	text := "there are more than 50 notes: the rest is not told"
	if len(c.notes) < maxNotes {
		text = fmt.Sprintf(format, args...)
	}
	c.notes = append(c.notes, Note{File: c.file, Pos: at, Text: text})
}

// didYouMean is the end of a message about an unknown word that stands at a place.
func (c *checker) didYouMean(at rule.Pos, word string, candidates iter.Seq[string]) string {
	if !c.errs.Wants(c.file, at) {
		return ""
	}
	if c.guesses++; c.guesses > maxGuesses {
		return ""
	}
	return rule.DidYouMean(word, candidates)
}

// maxWord is how many bytes of a word of the text a message shows.
const maxWord = 60

// quote returns a word of the text for a message, shortened if it is long.
//
//go:noinline
func quote(word string) string {
	if len(word) > maxWord {
		word = word[:maxWord] + "…"
	}
	return `"` + word + `"`
}
