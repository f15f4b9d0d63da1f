// Package mistakes holds tests alone: each is a mistake that another seccomp library or a program that uses one has
// made, and fails where this module makes it too. Where the other library is at hand, the same test shows it there.
package mistakes
