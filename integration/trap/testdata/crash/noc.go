//go:build linux && !cgo

package main

func inC() { panic("there is no C") }

func inCThread() { panic("there is no C") }

func exitInC() { panic("there is no C") }

func takeInC() { panic("there is no C") }
