//go:build libseccomp

package main

import (
	"encoding/binary"
	"os"

	libseccomp "github.com/seccomp/libseccomp-golang"

	"github.com/stagelock/seccomp/internal/bpf"
)

// compileLibseccomp has the library optimise to a level: 1, by the priority of calls, or 2, as a binary tree.
func compileLibseccomp(s *shared, level int) ([]bpf.Instruction, error) {
	f, err := libseccomp.NewFilter(libseccomp.ActErrno.SetReturnCode(1))
	if err != nil {
		return nil, err
	}
	defer f.Release()
	if err := f.SetOptimize(level); err != nil {
		return nil, err
	}
	for _, c := range s.calls {
		nr := libseccomp.ScmpSyscall(c.nr)
		if c.plain {
			if err := f.AddRule(nr, libseccomp.ActAllow); err != nil {
				return nil, err
			}
			continue
		}
		for _, v := range c.values {
			cond, err := libseccomp.MakeCondition(uint(c.arg), libseccomp.CompareEqual, v)
			if err != nil {
				return nil, err
			}
			if err := f.AddRuleConditional(nr, libseccomp.ActAllow, []libseccomp.ScmpCondition{cond}); err != nil {
				return nil, err
			}
		}
	}
	return export(f)
}

// export writes a program to a file and reads it: only version 2.6 of the library writes to memory.
func export(f *libseccomp.ScmpFilter) ([]bpf.Instruction, error) {
	file, err := os.CreateTemp("", "libseccomp")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := f.ExportBPF(file); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(file.Name())
	if err != nil {
		return nil, err
	}
	return bpf.Decode(raw, binary.NativeEndian)
}
