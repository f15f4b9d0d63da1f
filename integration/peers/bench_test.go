package main

import (
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// BenchmarkCompile measures each compiler's whole work on the shared policy.
func BenchmarkCompile(b *testing.B) {
	s, err := readShared()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range compilers {
		b.Run(c.name, func(b *testing.B) {
			if _, err := c.compile(s); err == errNoLibseccomp {
				b.Skip(err)
			}
			b.ReportAllocs()
			for range b.N {
				if _, err := c.compile(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSteps measures the steps of ours by themselves. The built-in sets are read once before.
func BenchmarkSteps(b *testing.B) {
	s, err := readShared()
	if err != nil {
		b.Fatal(err)
	}
	f, err := rule.Parse("server.policy", s.text)
	if err != nil {
		b.Fatal(err)
	}
	read := sets()
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: read})
	if err != nil {
		b.Fatal(err)
	}
	plan, err := stage.New(p, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"all", func() error { return fromText(s.text, read) }},
		{"parse", func() error { _, err := rule.Parse("server.policy", s.text); return err }},
		{"check", func() error { _, err := policy.Check(f, policy.Target{Arch: arch, Sets: read}); return err }},
		{"check, sets read anew", func() error {
			_, err := policy.Check(f, policy.Target{Arch: arch, Sets: sets()})
			return err
		}},
		{"plan", func() error { _, err := stage.New(p, nil); return err }},
		{"compile", func() error { _, err := filter.Compile(plan.Filter(-1, 0), filter.Options{}); return err }},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if err := step.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
