//go:build !race

package sys

// trapActs are what a child does once it is locked, by name, if it is more than to be trapped.
var trapActs map[string]func(getpgid func())
