package foreign

import (
	"runtime"
	"syscall"
)

func long64(nr uint32) int32

func enterLong(nr uint32) (int32, error) {
	if runtime.GOOS != "linux" {
		return -1, ErrUnsupported
	}
	r := long64(nr)
	if r < 0 && r > -4096 {
		return -1, syscall.Errno(-r)
	}
	return r, nil
}
