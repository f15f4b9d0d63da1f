package seccomp

// A Logger takes what happens to the process's stages: a message, and pairs of keys and values. A *zap.SugaredLogger
// is one; package seccompslog makes one of a *slog.Logger.
type Logger interface {
	Infow(msg string, keysAndValues ...any)
	Warnw(msg string, keysAndValues ...any)
	Errorw(msg string, keysAndValues ...any)
}

// SetLogger sets the logger; nil, which is the default, means none. It is called by the goroutine that locks, after
// the stage is in force.
func SetLogger(l Logger) { process.setLogger(l) }
