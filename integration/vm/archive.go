package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// An archive is an initramfs: a cpio archive in the format that the kernel reads, "newc"
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w   io.Writer
	n   int64 // written
	ino int
	has map[string]bool // directories
	err error
}

func newArchive(w io.Writer) *archive { return &archive{w: w, has: make(map[string]bool)} }

// add puts in a file, and the directories that lead to it.
func (a *archive) add(name string, mode uint32, content []byte) {
	a.parents(name)
	a.entry(name, 0o100000|mode, content)
}

// link puts in a symbolic link.
func (a *archive) link(name, to string) {
	a.parents(name)
	a.entry(name, 0o120777, []byte(to))
}

func (a *archive) parents(name string) {
	dir := path.Dir(strings.Trim(name, "/"))
	if dir == "." || a.has[dir] {
		return
	}
	a.parents(dir)
	a.has[dir] = true
	a.entry(dir, 0o40755, nil)
}

func (a *archive) entry(name string, mode uint32, content []byte) {
	a.ino++
	name = strings.Trim(name, "/")
	a.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.ino, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name))
	a.pad()
	a.write(content)
	a.pad()
}

// pad goes on to a multiple of four bytes.
func (a *archive) pad() { a.write(make([]byte, -a.n&3)) }

func (a *archive) write(b []byte) {
	if a.err != nil {
		return
	}
	var n int
	n, a.err = a.w.Write(b)
	a.n += int64(n)
}

// close ends the archive.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

// tree puts in the files below a directory of this machine, those that a test could want to read: no version control,
// nothing large.
func (a *archive) tree(dir, at string) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if base := e.Name(); name != dir && len(base) > 1 && base[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > 1<<20 {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		a.add(path.Join(at, filepath.ToSlash(rel)), uint32(info.Mode().Perm()), content)
		return a.err
	})
}
