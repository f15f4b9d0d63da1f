// Package runtimeset knows what the Go runtime and each area of the standard library may call, as sets of rules in the
// policy language: one file for each set, FILE.policy for the set FILE.
//
// A file is written to be read. On top stands one sentence: what the set is for. Each rule says behind it why the call
// is made and where, as file:function of the Go release it was read in, or of glibc. Where a call has to be made at any
// moment, the rule says in which shape; where it is made all the time it has none, so that the kernel's bitmap holds
// it and no filter runs for it.
//
// The set go is the floor: what the runtime does whatever the program does. The set lock is what this library needs to
// lock a further stage. The others are areas of the standard library, cut where stages cut: between acquiring (open,
// dial, listen, start a process) and using what was acquired. fallbacks.policy is no set: it says which errno a refused
// call gets where Go or the C library has another way that only that errno takes. default.policy is the policy of a
// program that declares none.
//
// # Builds
//
// What is called differs with the Go release, the architecture and how the program was built. A comment
//
//	# go:build cgo && !race
//
// on top of a paragraph, in the spelling of Go's own build constraints, makes the paragraph, up to the next empty line,
// one for such builds only. Its tags are the GOARCH, the release (go1.25: that or a later one), cgo, race, and the
// GODEBUG settings that change what the runtime calls: see [Build]. A call that an architecture lacks needs no
// constraint: package policy leaves its rule out.
//
// # What a program carries
//
// A program that locks itself carries the sets of its own GOARCH, checked beforehand: zGOARCH.go, which
// `go generate ./runtimeset` makes of the files, and [Native] reads. The files themselves are for whoever asks for
// another build, or for the reasons: see [For].
//
// # Where the calls come from
//
// findings holds what each Go release can call, read from its source for each architecture by runtimeset/gen/findings:
// the call, the function that makes it, the function that has it made, and when. A test holds the sets to it: what is
// found is in the sets of that release and architecture, or findings/reviewed.txt says why it need not be; and the floor
// has no call that was not found. For a new release see CONTRIBUTING.md.
package runtimeset
