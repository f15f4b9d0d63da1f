package main

import (
	"bytes"
	"flag"
	"os"

	"github.com/stagelock/seccomp/rule"
)

func newFmt() *command {
	return &command{
		name:     "fmt",
		synopsis: "[-w|-d] [FILE…]",
		brief:    "put policies into the one form that they are kept in",
		help: `
The result is printed on stdout. Without a FILE the standard input is formatted. A policy with syntax errors is left
as it is.`,
		action: new(reformat),
	}
}

// A reformat is the command `fmt`.
type reformat struct {
	write bool
	diff  bool
}

func (c *reformat) flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.write, "w", false, "write the result into the file instead of printing it")
	fs.BoolVar(&c.diff, "d", false, "print what would change as a unified diff; exit with 1 if anything would")
}

func (c *reformat) run(s *streams, args []string) error {
	if c.write && c.diff {
		return shapef("-w and -d exclude each other: the one changes files, the other shows what would change")
	}
	if len(args) == 0 {
		args = []string{stdinName}
	}
	var failed error
	for _, file := range args {
		if c.write && file == stdinName {
			return shapef("-w needs a FILE: the standard input can't be written to")
		}
		changed, err := c.file(s, file)
		if err != nil {
			s.tell(err)
		}
		if err != nil || c.diff && changed {
			failed = errNo
		}
	}
	return failed
}

// file formats one file.
func (c *reformat) file(s *streams, file string) (changed bool, err error) {
	old, err := readFile(s, file)
	if err != nil {
		return false, err
	}
	f, err := rule.Parse(title(file), old)
	if err != nil {
		return false, err
	}
	text := []byte(rule.Format(f))
	changed = !bytes.Equal(old, text)
	switch {
	case c.diff:
		s.out.WriteString(unifiedDiff(title(file)+".orig", title(file), string(old), string(text)))
	case c.write:
		if changed {
			err = rewrite(file, text)
		}
	default:
		s.out.Write(text)
	}
	return changed, err
}

// rewrite replaces the content of a file, which stays the same file with the same mode. The old content goes last, so
// that little is lost where the disk is full.
func rewrite(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Truncate(int64(len(text)))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
