//go:build !cgo

// Package cthread makes system calls from where Go knows nothing of. This program was built without cgo, so there is
// no such place.
package cthread

import "errors"

// Supported tells that the program was built with cgo.
const Supported = false

var errNone = errors.New("the program was built without cgo")

// Start answers an error, as all here do.
func Start() error { return errNone }

// Call answers an error.
func Call(uintptr) error { return errNone }

// Handle answers an error.
func Handle() error { return errNone }

// CallInHandler answers an error.
func CallInHandler(uintptr) error { return errNone }
