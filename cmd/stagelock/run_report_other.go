//go:build !linux

package main

import "github.com/stagelock/seccomp/launch"

// Programs are launched on Linux only.
func (c *runner) reported(*streams, []string) error {
	return &launch.Error{Class: launch.ErrNotSupported}
}
