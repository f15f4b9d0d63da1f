package main

import "github.com/stagelock/seccomp/integration/builds"

func main() { builds.Main() }
