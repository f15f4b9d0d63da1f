// Programs puts programs of others under stages, as their users would: nats-server, node_exporter, caddy, a service with an
// SQLite database and one with a bbolt file, each in a directory of its own with a main and a policy that can be copied.
// Each locks "init" first thing and "serve" once it is up; then real clients use it. From this directory
//
//	go test .                             runs them under load, tries what they gave up, ends them, has them panic
//	go test . -toolchain go1.25.14        the same, built with another Go release
//	go run .                              prints what each stage leaves
//	go run . -throughput                  measures what the stages cost, in alternating runs
//	go run . -throughput nats caddy       of these
//
// The programs come through the module proxy, in the newest versions that Go 1.25 builds too.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

func main() {
	measure := flag.Bool("throughput", false, "measure throughput, locked and unlocked")
	rounds := flag.Int("rounds", 9, "take the median of so many `rounds`")
	each := flag.Duration("each", 2*time.Second, "measure for so `long` in each round")
	flag.Parse()
	if err := show(flag.Args(), *measure, *rounds, *each); err != nil {
		fmt.Fprintln(os.Stderr, "programs:", err)
		os.Exit(1)
	}
}

func show(names []string, measure bool, rounds int, each time.Duration) error {
	chosen := programs()
	for _, n := range names {
		if !slices.ContainsFunc(chosen, func(p program) bool { return p.name == n }) {
			return fmt.Errorf("there is no program %q", n)
		}
	}
	if len(names) > 0 {
		chosen = slices.DeleteFunc(chosen, func(p program) bool { return !slices.Contains(names, p.name) })
	}
	if measure {
		return throughput(os.Stdout, chosen, rounds, each)
	}
	return table(os.Stdout, chosen)
}
