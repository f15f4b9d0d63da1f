//go:build !linux

package main

import "errors"

func selftest(options) error { return errors.New("the self-test needs Linux") }

func selftestHook() func(string) { return func(string) {} }
