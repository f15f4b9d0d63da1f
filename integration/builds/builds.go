//go:build linux

// Package builds shows that a program that locks itself knows how it was built: its test builds programs in different
// ways and has each say what it takes itself for, and what its receipt and its log say of that.
package builds

import (
	"encoding/json"
	"os"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/runtimeset"
)

// A Report is what a program says of itself, as JSON on its standard output.
type Report struct {
	Build  runtimeset.Build
	Noted  []string // in its receipt
	Logged []string
}

// Main locks the program and reports.
func Main() {
	r := Report{Build: runtimeset.Running()}
	seccomp.SetLogger(&log{&r.Logged})
	seccomp.Stage("init").MustLock()
	for _, receipt := range seccomp.Current().Receipts {
		r.Noted = append(r.Noted, receipt.Notes...)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}

// A log keeps the notes that are logged.
type log struct{ notes *[]string }

func (l *log) Infow(_ string, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "note" {
			*l.notes = append(*l.notes, pairs[i+1].(string))
		}
	}
}
func (l *log) Warnw(string, ...any)  {}
func (l *log) Errorw(string, ...any) {}
