//go:build cgo

package main

import _ "runtime/cgo" // with CGO_ENABLED=1 the program is dynamic, and threads are made by the C library
