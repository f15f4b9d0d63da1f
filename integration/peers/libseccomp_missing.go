//go:build !libseccomp

package main

import "github.com/stagelock/seccomp/internal/bpf"

func compileLibseccomp(*shared, int) ([]bpf.Instruction, error) { return nil, errNoLibseccomp }
