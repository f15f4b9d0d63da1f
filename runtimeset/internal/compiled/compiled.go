// Package compiled has the built-in sets as programs carry them: checked beforehand for one GOARCH, as a string of some
// four kilobytes that takes some microseconds to read. The files of package runtimeset are what people write; its
// generator checks them and encodes what they mean ([Encode]), and a program reads what it uses ([Open]).
//
// What differs with the build, all but the GOARCH, stays a condition: the build constraints that stand over the
// paragraphs of the files, less the tags that are GOARCHes.
//
// # Encoding
//
// A number is an unsigned varint as in package encoding/binary; a word is its length and its bytes; a list is its
// length and its elements. A table is, one behind the other:
//
//	the conditions   their size in bytes, and they: what refers to one says how many bytes lie before it
//	the constraints  a list of words: 0 is none of them, 1 the first
//	the sets         a list: name, size in bytes, parts, rules; the last one is the fallbacks, and has no name
//	the policy       of a program that declares none: a list of its stages
//
// A part is the number of its constraint and its place among the sets. A rule is
//
//	number    of the system call, less that of the rule before
//	constraint
//	place     its line and column
//	condition where the call is allowed
//	arms      a list: lines below that of the rule, column, condition, kind of action, errno
//
// A condition is a byte and what it calls for: its low three bits are its kind, the next three the argument, the
// upper two its width: 16, 32, 64 bits.
package compiled

// The kinds of conditions, and what follows.
const (
	opConst  = iota // nothing: it holds where the argument is 1
	opNot           // a condition
	opAnd           // a list of conditions
	opOr            // a list of conditions
	opRange         // the least value, and how much more the greatest is
	opMasked        // mask, value
	opSymbol        // a word
)

// suffix ends the names of policy files.
const suffix = ".policy"

// FallbackFile and PolicyFile are the names of the two files that are no sets.
const (
	FallbackFile = "fallbacks" + suffix
	PolicyFile   = "default" + suffix
)
