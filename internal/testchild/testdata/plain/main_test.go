package main

import (
	"os"
	"testing"
)

// As a program's test does that runs all of it.
func TestMainFunction(t *testing.T) {
	os.Args = []string{"plain"}
	main()
}
