// Helper gives up starting programs, and still has one started when it needs it: by a small process that it has made
// before, and that starts this program and no other.
package main

import (
	"fmt"
	"log"
	"os/exec"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/launch"
)

func main() {
	launch.Main() // in the helper, this does not return

	helper := launch.NewHelper()
	sum := helper.Allow(nil, "sha256sum")
	if err := helper.Start(); err != nil {
		log.Fatal(err)
	}
	seccomp.Stage("serve").Use("file.io", "net.conn").MustLock()

	fmt.Println(exec.Command("/bin/sh", "-c", "date").Run()) // operation not permitted
	out, err := sum.Command("/dev/null").Output()
	fmt.Printf("%s%v\n", out, err)
}
