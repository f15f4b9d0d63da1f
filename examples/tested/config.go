// Package tested shows how a program tests its own policy: config_test.go is the example.
package tested

import (
	_ "embed"
	"os"
	"strings"

	"github.com/stagelock/seccomp"
)

//go:embed seccomp.policy
var policy string

// Start locks the process, reads the settings of a file, and locks it again: from then on no file can be opened.
func Start(file string) (map[string]string, error) {
	if err := seccomp.Declare("seccomp.policy", policy); err != nil {
		return nil, err
	}
	if err := seccomp.Stage("init").Lock(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := seccomp.Stage("run").Lock(); err != nil {
		return nil, err
	}
	settings := make(map[string]string)
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, ok := strings.Cut(line, "="); ok {
			settings[key] = value
		}
	}
	return settings, nil
}
