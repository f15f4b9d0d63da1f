//go:build linux

// Soak runs a locked server for as long as it is told, and gives it no rest: clients, storms of threads, a collector
// that never sleeps, timers, loops that have to be preempted, and signals at random moments, also those that stop and
// continue the process. Any refusal that the policy (soak.policy) did not mean kills the server. It must neither die, nor
// hang, nor fail a request, nor have more descriptors, threads or memory at the end than after its first moments.
//
//	go run ./integration/soak [-for 30m] [-every 10s]
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"time"
)

//go:embed soak.policy
var policy string

func main() {
	duration := flag.Duration("for", 10*time.Second, "how long the server is soaked")
	every := flag.Duration("every", 10*time.Second, "how often a line is printed")
	serving := flag.Bool("serve", false, "be the server: the program starts itself so")
	unlocked := flag.Bool("unlocked", false, "don't lock the server: to compare")
	flag.Parse()
	if *serving {
		serve(!*unlocked)
		return
	}
	if err := soak(*duration, *every, *unlocked); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}
