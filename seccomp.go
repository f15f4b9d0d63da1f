// Package seccomp lets a program lock itself down in stages.
//
//	func main() {
//		seccomp.Stage("init").Lock()  // from here on only what the program needs to start
//		… read the configuration, listen …
//		seccomp.Stage("serve").Lock() // from here on only what it needs to serve
//		…
//	}
//
// A stage is a list of system calls with conditions on their arguments. What a stage does not allow is refused to the
// whole process, all its threads and all its future children, and nothing gives it back. What the Go runtime needs at
// any moment (to grow the heap, start a thread, preempt, poll, print a crash) is always allowed, in its narrowest
// shape, and nobody has to know what that is.
//
// # What a stage says
//
// A program that says nothing gets the built-in stages init and serve, made for an ordinary Go service. One that
// declares a policy, mostly an embedded file in the language of docs/language.md, has the stages of that policy:
//
//	//go:embed seccomp.policy
//	var policy string
//
//	func main() {
//		seccomp.MustDeclare("seccomp.policy", policy)
//		seccomp.Stage("init").MustLock()
//
// And a stage can be said in code:
//
//	err := seccomp.Stage("init").Use("file.read", "net.server").Rules("sys_mmap: 0").Lock()
//
// # Limits
//
// Locking needs Linux 4.14 or newer; elsewhere the package builds, and Lock answers ErrNotSupported: it never pretends.
// A stage refuses system calls by number and by what stands in the argument registers. It cannot see paths, network
// addresses or memory: Landlock is the companion for those. It is no sandbox by itself; docs/threat-model.md says what
// is promised and what is not.
package seccomp

import "slices"

// Declare gives the process its policy. file is the name that messages call it by, text the policy in the language of
// docs/language.md. It is called once, by main, before the first Lock. The error has all mistakes of the text, a line
// each, as file:line:column: message; nothing is declared then, and Lock fails.
func Declare(file, text string) error { return process.declare(file, text) }

// MustDeclare is Declare for a policy that is part of the program: it panics on an error.
func MustDeclare(file, text string) {
	if err := Declare(file, text); err != nil {
		panic(err)
	}
}

// A Handle names a stage, and may say more about it. It is a value: its methods return new ones.
type Handle struct {
	name string
	sets []string
	none bool // Use was called without a set
	text []string
	own  func() *words // nil where it says nothing but the name

	behind int // stages of the built-in policy that were in force when it was locked
}

// Stage returns the handle of a stage. It never fails: what is wrong with the name shows at Lock.
func Stage(name string) *Handle { return &Handle{name: name} }

// Use returns a handle that says which sets the stage consists of. In a stage that follows another, or that the
// declared policy has, these are all that is left: it is the policy's `only`. A built-in stage of that name, unless it
// is in force, counts no longer: the handle is the stage itself.
func (h *Handle) Use(sets ...string) *Handle {
	return &Handle{h.name, append(slices.Clip(h.sets), sets...), h.none || len(sets) == 0, h.text, newWords, 0}
}

// Rules returns a handle that says more about the stage: a text in the language of docs/language.md, such as
// "sys_mmap: 0". In a stage that follows another, or that the declared policy has, or the built-in one behind a stage
// in force, it can only narrow; what it then refuses gets that stage's deny. The first stage of a program consists of
// what its handle says and of nothing else, so that rules which only refuse are an error there.
func (h *Handle) Rules(text string) *Handle {
	return &Handle{h.name, h.sets, h.none, append(slices.Clip(h.text), text), newWords, 0}
}

// Lock puts the stage in force: once it returns nil, no thread of the process and no child it starts gets past what
// the stage refuses, ever. Stages that were skipped are included. Locking the same stage again does nothing.
//
// On an error nothing was installed, with one exception: after ErrUnverified the stage is in force, but could not be
// seen to be on every thread. A failed Lock also writes a line to stderr, shows in Current, and makes every later Lock
// fail, so that a program which drops the error does not go on to a stage that rests on this one.
//
// With mode Off the error is ErrOff, with Observe it is ErrObserving, off Linux and on kernels without seccomp
// ErrNotSupported: all match ErrNotEnforced. In a test binary it is ErrTestBinary: see package seccomptest.
//
// The file that the policy comes from, the sets and the compiled filters are worked out at the first Lock, in about a
// millisecond. Lock may be called from any goroutine; concurrent calls wait for each other.
func (h *Handle) Lock() error { return process.lock(h) }

// MustLock is Lock for a program that must not go on unlocked: it panics on an error. It goes on where nobody asked
// for a lock (modes Off and Observe), and off Linux, where programs are developed but not run: a line on stderr says so.
func (h *Handle) MustLock() {
	if err := h.Lock(); err != nil && !excused(err) {
		panic(err)
	}
}

// says tells whether the handle says anything beyond the stage's name.
func (h *Handle) says() bool { return h.own != nil }

// equal tells whether two handles say the same.
func (h *Handle) equal(other *Handle) bool {
	return h.name == other.name && h.none == other.none && slices.Equal(h.sets, other.sets) && slices.Equal(h.text, other.text)
}

// String returns how the stage is named in messages: Stage("init").
func (h *Handle) String() string { return `Stage("` + h.name + `")` }
