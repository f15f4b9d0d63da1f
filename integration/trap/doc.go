// Package trap tests what a program says last when a stage traps a call: that the line about it is the last one, below
// the Go runtime's traceback, wherever the call is made and however much the traceback shows; and that crashes and exits
// of other kinds are what they are without a trap.
//
//	go test ./integration/trap -toolchain go1.23.12
package trap
