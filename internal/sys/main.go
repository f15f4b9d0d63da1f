package sys

import (
	"reflect"
	"runtime"
	_ "unsafe" // for go:linkname
)

// mainMain is the program's own main function, whatever program this package is part of.
//
//go:linkname mainMain main.main
func mainMain()

// MainFile returns the name of the file that has the program's main function, as the compiler knew it.
func MainFile() string {
	f := runtime.FuncForPC(reflect.ValueOf(mainMain).Pointer())
	file, _ := f.FileLine(f.Entry())
	return file
}
