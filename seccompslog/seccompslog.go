// Package seccompslog lets package seccomp log to log/slog. It stands apart because log/slog links encoding/json into
// programs that have no other use for it.
//
//	seccomp.SetLogger(seccompslog.New(slog.Default()))
package seccompslog

import (
	"log/slog"

	"github.com/stagelock/seccomp"
)

// New returns a logger of package seccomp that passes everything to l.
func New(l *slog.Logger) seccomp.Logger { return logger{l} }

type logger struct{ l *slog.Logger }

func (x logger) Infow(msg string, args ...any)  { x.l.Info(msg, args...) }
func (x logger) Warnw(msg string, args ...any)  { x.l.Warn(msg, args...) }
func (x logger) Errorw(msg string, args ...any) { x.l.Error(msg, args...) }
