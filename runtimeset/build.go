package runtimeset

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/internal/digits"
)

// Oldest and Newest are the Go releases that the sets were made for, with those between them.
const (
	Oldest = "1.21"
	Newest = "1.27"
)

// Releases returns the Go releases that the sets were made for, as in 1.21, the oldest first.
func Releases() (list []string) {
	first, _ := minor(Oldest)
	last, _ := minor(Newest)
	for n := first; n <= last; n++ {
		list = append(list, "1."+strconv.Itoa(n))
	}
	return list
}

// A Build is what is to be known of a program for choosing what it may call.
type Build struct {
	Arch      string // the GOARCH
	Go        string // the release, as in 1.26 or 1.26.8; empty: Newest
	GoLine    string // the go line of the main module's go.mod, which settles GODEBUG's defaults; empty: that of Go
	GODEBUG   string // settings that differ from those defaults, as in updatemaxprocs=0,decoratemappings=1
	Cgo       bool   // runtime/cgo is linked, or may be
	Race      bool   // the race detector is
	Guessed   bool   // the program doesn't say how it was built: it is taken for one of the widest sets
	Sanitizer string // -asan or -msan: what these call is in no set
}

// The GODEBUG settings that change what the runtime calls, and the release since which they are on: a module whose go
// line is older has them off (internal/godebugs/table.go).
var settings = [...]struct{ name, since string }{
	{"containermaxprocs", "1.25"}, // the cgroup's CPU limit counts
	{"updatemaxprocs", "1.25"},    // GOMAXPROCS follows it
	{"decoratemappings", "1.25"},  // mappings are named, by prctl
}

// Running returns the build of this very program. Without build information it is taken for one with cgo: what its
// sets allow is wider then.
func Running() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = nil
	}
	return running(info, runtime.NumCgoCall() > 0, os.Getenv("GODEBUG"))
}

// running works out the build of this program; info may be nil.
//
// That CGO_ENABLED was 1 says little: it is, wherever there is a C compiler, and most programs have no C in them all the
// same. But one that has runtime/cgo made a call of it before main began: runtime.main tells C that the runtime is there
// (_cgo_notify_runtime_init_done, in runtime/proc.go of all releases), by the way that NumCgoCall counts.
func running(info *debug.BuildInfo, calledC bool, godebug string) Build {
	b := Build{Go: release(runtime.Version()), Cgo: true, Guessed: true}
	if info != nil {
		b = FromBuildInfo(info)
		b.Cgo = calledC || raced // the detector is C, whatever links it
	}
	if b.Arch == "" {
		b.Arch = runtime.GOARCH
	}
	b.Race = b.Race || raced
	b.GODEBUG = join(b.GODEBUG, godebug)
	return b
}

// FromBuildInfo returns the build of a program from what the linker noted in it (debug/buildinfo reads that of any
// file). Whoever runs it may change its GODEBUG settings by the environment. It may have less of cgo than is said here:
// what is noted is that it could have been used.
func FromBuildInfo(info *debug.BuildInfo) Build {
	b := Build{Go: release(info.GoVersion)}
	for _, s := range info.Settings {
		switch s.Key {
		case "GOARCH":
			b.Arch = s.Value
		case "CGO_ENABLED":
			b.Cgo = s.Value == "1"
		case "-race":
			b.Race = s.Value == "true"
		case "-asan", "-msan":
			if s.Value == "true" {
				b.Sanitizer = s.Key
			}
		case "DefaultGODEBUG": // what the go line and //go:debug lines made of the defaults
			b.GODEBUG = s.Value
		}
	}
	return b
}

// release returns 1.26.8 of go1.26.8, "go1.26.8 X:boringcrypto" and "devel go1.27-0123abc …".
func release(v string) string {
	for more := true; more; {
		var word string
		if word, v, more = strings.Cut(v, " "); strings.HasPrefix(word, "go") {
			word, _, _ = strings.Cut(word[len("go"):], "-")
			return word
		}
	}
	return ""
}

// minor returns 26 of 1.26, 1.26.8 and 1.27rc1's 27: what is called changes with these alone.
func minor(v string) (n int, ok bool) {
	v, ok = strings.CutPrefix(v, "1.")
	if !ok {
		return 0, false
	}
	end := 0
	for end < len(v) && v[end] != '.' && v[end] != 'r' && v[end] != 'b' { // 1.26.8, 1.26rc1, 1.26beta1
		end++
	}
	number, ok := digits.Parse(v[:end], 10, 31)
	return int(number), ok
}

// since tells whether a release is v or a later one. An unknown release is taken for the newest.
func since(release, v string) bool {
	has, ok := minor(release)
	if !ok {
		has, _ = minor(Newest)
	}
	wants, ok := minor(v)
	return ok && has >= wants
}

// has tells whether a tag of a build constraint is true of b.
func (b Build) has(tag string) bool {
	switch tag {
	case "cgo":
		return b.Cgo
	case "race":
		return b.Race
	}
	for _, s := range settings {
		if s.name == tag {
			return b.on(s.name, s.since)
		}
	}
	v, ok := strings.CutPrefix(tag, "go")
	return tag == b.Arch || ok && since(b.Go, v)
}

// on tells whether a GODEBUG setting is on.
func (b Build) on(name, release string) bool {
	if !since(b.Go, release) {
		return false
	}
	on := b.GoLine == "" || since(b.GoLine, release)
	for rest, more := b.GODEBUG, true; more; { // of several, the last counts: runtime1.go:parsegodebug
		var s string
		s, rest, more = strings.Cut(rest, ",")
		if k, v, _ := strings.Cut(s, "="); k == name {
			on = v != "0"
		}
	}
	return on
}

// Note says what is odd about b, empty if nothing is: the sets of another release than its own are used, or they may be
// wider than they need be, or too narrow.
func (b Build) Note() string {
	var notes []string
	is, ok := minor(b.Go)
	newest, _ := minor(Newest)
	oldest, _ := minor(Oldest)
	switch {
	case !ok:
		notes = append(notes, "the Go release is unknown: the sets of go"+Newest+" are used")
	case is > newest:
		notes = append(notes, "go"+b.Go+" is newer than this library: the sets of go"+Newest+" are used")
	case is < oldest:
		notes = append(notes, "go"+b.Go+" is older than what this library knows: the sets of go"+Oldest+" are used")
	}
	if b.Guessed {
		notes = append(notes, "there is no build information in the program: the widest sets are used, those with cgo")
	}
	if b.Sanitizer != "" {
		notes = append(notes, "the program was built with "+b.Sanitizer+": what that calls is in no set")
	}
	return strings.Join(notes, "; ")
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}
