//go:build !linux

package published

import "errors"

// A Page is made on Linux only.
type Page struct{}

// New returns an error that matches errors.ErrUnsupported.
func New(int) (*Page, error) { return nil, errors.ErrUnsupported }

// Room returns 0.
func (*Page) Room() int { return 0 }

// Put does nothing.
func (*Page) Put([]byte) {}

// Close does nothing.
func (*Page) Close() {}

// Sealed returns errors.ErrUnsupported.
func Sealed(int) (bool, error) { return false, errors.ErrUnsupported }
