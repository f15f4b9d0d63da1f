package foreign

import (
	"runtime"
	"syscall"
)

//go:noescape
func enter80(nr, a1, a2, a3 uint32) int32

func int80(nr, a1, a2, a3 uint32) (int32, error) {
	if runtime.GOOS != "linux" {
		return -1, ErrUnsupported
	}
	r := enter80(nr, a1, a2, a3)
	if r < 0 && r > -4096 {
		return -1, syscall.Errno(-r)
	}
	return r, nil
}
