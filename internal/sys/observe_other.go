//go:build linux && (race || (!amd64 && !arm64))

package sys

import "syscall"

// StartObserver answers ENOTSUP: what observes is written for amd64 and arm64, and does not run under the race detector.
func StartObserver() syscall.Errno { return syscall.ENOTSUP }

// StopObserver does nothing.
func StopObserver() {}

// InstallObserved answers ENOTSUP.
func InstallObserved([]SockFilter) syscall.Errno { return syscall.ENOTSUP }

// JudgeObserved says that there can be no judge.
func JudgeObserved([][]SockFilter) int { return -1 }

// NameObserved does nothing.
func NameObserved(uint32, int) {}

// NextObserved waits for ever.
func NextObserved(*Observed) { select {} }
