//go:build race

package runtimeset

// raced tells whether the race detector is linked.
const raced = true
