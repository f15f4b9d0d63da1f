// Package corpus keeps what fuzzing found worth keeping: the inputs that reached code which none before them had. They
// lie in the tree as one file for each target, testdata/FuzzNAME.corpus.gz beside its tests, so that fuzzing a fresh clone
// begins where the last long run ended. Plain `go test` goes through some of them, evenly spread.
//
// Inside is a line for each input: a quoted Go string, in order. Made by
//
//	FUZZTIME=1h tools/check fuzz && go run ./internal/corpus/keep
package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// File names the file of a target, seen from its package.
func File(target string) string { return filepath.Join("testdata", target+".corpus.gz") }

// AddBytes gives a target that takes a []byte the inputs that are kept for it.
func AddBytes(f *testing.F) { add(f, func(input string) { f.Add([]byte(input)) }) }

// AddStrings gives a target that takes a string the inputs that are kept for it.
func AddStrings(f *testing.F) { add(f, func(input string) { f.Add(input) }) }

func add(f *testing.F, one func(input string)) {
	f.Helper()
	inputs, err := Read(File(f.Name()))
	if err != nil {
		f.Fatal(err)
	}
	step := 1
	if fuzzing := flag.Lookup("test.fuzz"); fuzzing == nil || fuzzing.Value.String() == "" {
		step = 1 + len(inputs)/inPlainTests
	}
	for i := 0; i < len(inputs); i += step {
		one(inputs[i])
	}
}

// inPlainTests is how many inputs of a target a plain `go test` goes through at most.
const inPlainTests = 100

// Read returns the inputs in a file. A file that is not there has none yet.
func Read(file string) (inputs []string, err error) {
	packed, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	lines := bufio.NewReader(z)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF && line == "" {
			return inputs, nil
		}
		var input string
		if err == nil {
			input, err = strconv.Unquote(line[:len(line)-1])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: input %d: %w", file, len(inputs)+1, err)
		}
		inputs = append(inputs, input)
	}
}

// Write keeps inputs in a file, each once. The same inputs make the same file.
func Write(file string, inputs []string) error {
	inputs = slices.Clone(inputs)
	slices.Sort(inputs)
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, input := range slices.Compact(inputs) {
		fmt.Fprintln(z, strconv.Quote(input))
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, packed.Bytes(), 0o666)
}
