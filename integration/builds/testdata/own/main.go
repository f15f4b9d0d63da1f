// Own calls C.
package main

/*
static int one(void) { return 1; }
*/
import "C"

import "github.com/stagelock/seccomp/integration/builds"

func main() {
	if C.one() == 1 {
		builds.Main()
	}
}
