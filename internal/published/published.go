// Package published is the memory in which a process shows what it locked itself to: the file seccomp_filter, which has
// no name in any file system and is found among the descriptors of the process, in /proc/PID/fd. Whoever may read the
// process may read it; only the process itself, through the mapping that a Page is, can change it.
//
// The file has a size that never changes, and is
//
//	seccomp_filter 1 NNNNNN\n    24 bytes: the format's version, and the generation in decimal digits
//	half 0, half 1               what is left, in two equal parts; a byte that is left over is 0
//
// What is published is the text in half NNNNNN modulo 2, up to the first zero byte; generation 0 means nothing yet. A
// writer fills the other half, then stores the next generation, eight bytes at once, and then clears the half that was
// left. So a writer that dies or is stopped at any point leaves a whole text, and a reader that finds the same generation
// before and after reading a half has read a whole text.
package published

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// Name is the name of the file, which /proc shows as a link to "/memfd:seccomp_filter (deleted)".
const Name = "seccomp_filter"

const (
	magic  = Name + " 1"
	header = 24 // magic, and the generation as " NNNNNN\n"

	lastGeneration = 999_999
)

// MaxSize is more than any file has that a Page is made with.
const MaxSize = 4 << 20

var (
	// ErrFormat: the file is not one of a Page, or of another version.
	ErrFormat = errors.New("not the published state of version 1")
	// ErrEmpty: nothing was published yet.
	ErrEmpty = errors.New("nothing is published yet")
	// ErrBusy: the text changed each time it was read.
	ErrBusy = errors.New("the published state changes too fast to be read")
)

// A memory is the content of the file, as one reader and writer sees it.
type memory []byte

// half returns one of the two parts.
func (m memory) half(generation int) []byte {
	size := (len(m) - header) / 2
	at := header + generation%2*size
	return m[at : at+size : at+size]
}

// put makes text the content. store stores the eight bytes of a generation at once.
func (m memory) put(generation int, text []byte, store func([8]byte)) {
	next := m.half(generation)
	copy(next, text)
	word := [8]byte{0: ' ', 7: '\n'}
	for i, n := 6, generation; i > 0; i, n = i-1, n/10 {
		word[i] = '0' + byte(n%10)
	}
	store(word)
	clear(m.half(generation + 1))
}

// after returns the generation after another. The first one is never come back to.
func after(generation int) int {
	if generation == lastGeneration {
		return 2 // as even as the one that would have followed
	}
	return generation + 1
}

// Read returns the text that a file of some size holds.
func Read(r io.ReaderAt, size int64) ([]byte, error) {
	if size < header || size > MaxSize {
		return nil, ErrFormat
	}
	half := make([]byte, (size-header)/2)
	for range 100 {
		before, err := generation(r)
		if err != nil {
			return nil, err
		}
		if before == 0 {
			return nil, ErrEmpty
		}
		if _, err := r.ReadAt(half, header+int64(before%2*len(half))); err != nil {
			return nil, noEOF(err)
		}
		switch now, err := generation(r); {
		case err != nil:
			return nil, err
		case now == before:
			text, _, _ := bytes.Cut(half, []byte{0})
			return text, nil
		}
	}
	return nil, ErrBusy
}

// generation reads the header.
func generation(r io.ReaderAt) (int, error) {
	var h [header]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return 0, noEOF(err)
	}
	word := h[len(magic):]
	if string(h[:len(magic)]) != magic || word[0] != ' ' || word[7] != '\n' {
		return 0, ErrFormat
	}
	n, err := strconv.ParseUint(string(word[1:7]), 10, 32)
	if err != nil {
		return 0, ErrFormat
	}
	return int(n), nil
}

// noEOF returns the error of a file that is shorter than it said.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return ErrFormat
	}
	return err
}
