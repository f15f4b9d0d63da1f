//go:build !linux

package launch

// Exec is for Linux: elsewhere it returns ErrNotSupported.
func (f *Filters) Exec(path string, argv, envv []string) error { return elsewhere() }

// LookPath is for Linux: elsewhere it returns ErrNotSupported.
func LookPath(name string) (path string, err error) { return "", elsewhere() }

// Run is for Linux: elsewhere it returns ErrNotSupported.
func (r *Reported) Run(refused func(Refusal)) error { return elsewhere() }

// Start is for Linux: elsewhere it returns ErrNotSupported.
func (r *Reported) Start(refused func(Refusal)) error { return elsewhere() }

// Wait is for Linux: elsewhere it returns ErrNotSupported.
func (r *Reported) Wait() error { return elsewhere() }

func elsewhere() error { return &Error{Class: ErrNotSupported, Hint: "launch on Linux"} }
