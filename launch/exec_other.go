//go:build !linux

package launch

import "syscall"

// A wire is what a Helper would be reached by.
type wire struct{}

func parentDeathSignal() syscall.Signal { return 0 }

func help() error { return elsewhere() }

func instructed(int) (*Filters, error) { return nil, elsewhere() }

// Start is for Linux: elsewhere it returns ErrNotSupported.
func (h *Helper) Start() error { return elsewhere() }

// Close is for Linux: elsewhere it returns ErrNotSupported.
func (h *Helper) Close() error { return elsewhere() }

// Start is for Linux: elsewhere it returns ErrNotSupported.
func (c *Cmd) Start() error { return elsewhere() }

// Wait is for Linux: elsewhere it returns ErrNotSupported.
func (c *Cmd) Wait() error { return elsewhere() }

// Signal is for Linux: elsewhere it returns ErrNotSupported.
func (c *Cmd) Signal(s syscall.Signal) error { return elsewhere() }

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

// Done is for Linux: elsewhere it returns nil.
func (r *Reported) Done() <-chan struct{} { return nil }

func elsewhere() error { return &Error{Class: ErrNotSupported, Hint: "launch on Linux"} }
