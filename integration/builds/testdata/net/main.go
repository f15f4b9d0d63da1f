// Net has the C library's resolver if it is built with cgo.
package main

import (
	_ "net"

	"github.com/stagelock/seccomp/integration/builds"
)

func main() { builds.Main() }
