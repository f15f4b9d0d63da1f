//go:build go1.25

package areas

import (
	"errors"
	"io/fs"
	"os"
)

// newer are areas whose functions came with Go 1.25.
var newer = []*area{{sets: "file.write, file.read, file.io", do: rooted}}

// rooted does what os.Root can, all of it below a directory.
func rooted(dir string) (func() error, error) {
	root, err := os.OpenRoot(dir)
	return each(
		func() error { return root.MkdirAll("a/b", 0o777) },
		func() error { return root.WriteFile("a/f", []byte("text"), 0o666) },
		func() error { return root.Symlink("f", "a/l") },
		func() error { return root.Link("a/f", "a/h") },
		func() error { return root.Rename("a/h", "a/b/h") },
		func() error { return root.Chmod("a/f", 0o600) },
		func() error { return root.Lchown("a/l", -1, -1) },
		func() error {
			text, err := root.ReadFile("a/l")
			return errors.Join(err, same(string(text), "text"))
		},
		func() error {
			name, err := root.Readlink("a/l")
			return errors.Join(err, same(name, "f"))
		},
		func() error {
			return fs.WalkDir(root.FS(), ".", func(_ string, _ fs.DirEntry, err error) error { return err })
		},
		func() error { return root.RemoveAll("a") },
		func() error { return root.Close() },
	), err
}
