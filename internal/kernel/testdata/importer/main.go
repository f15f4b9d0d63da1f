// Importer uses the tables of its own architecture, and all that they are asked for.
package main

import (
	"os"

	"github.com/stagelock/seccomp/internal/kernel"
)

func main() {
	a := kernel.Native()
	c, _ := a.Call(os.Args[1])
	v, _ := a.Const("E" + os.Args[1])
	if !kernel.KnownCall(os.Args[1]) {
		println(c.Nr, v, len(c.Args()), a.Weight(c.Nr))
	}
}
