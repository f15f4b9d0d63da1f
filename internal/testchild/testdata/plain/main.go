// Command plain prints what an ordinary program is told, even when its flags look like a test's.
package main

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/testchild"
)

func main() { fmt.Println(testchild.TestBinary(), testchild.Inside()) }
