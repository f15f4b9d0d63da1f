// Minimal locks itself down with two lines. Nothing is declared, so the stages are the built-in ones.
package main

import (
	"fmt"
	"os"

	"github.com/stagelock/seccomp"
)

func main() {
	seccomp.Stage("init").MustLock()
	_, err := os.StartProcess("/bin/sh", []string{"sh"}, new(os.ProcAttr))
	fmt.Println(err) // fork/exec /bin/sh: operation not permitted
}
