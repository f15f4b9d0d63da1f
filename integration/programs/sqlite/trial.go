//go:build trial

package main

import _ "github.com/stagelock/seccomp/integration/programs/internal/trial" // takes the tests' orders
