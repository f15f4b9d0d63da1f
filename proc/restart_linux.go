package proc

import "bytes"

// tracerPid returns the TracerPid field of a status file; 0: none.
func tracerPid(status []byte) int {
	const field = "\nTracerPid:\t"
	_, rest, found := bytes.Cut(status, []byte(field))
	if !found {
		return 0
	}
	value, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := number([]byte("TracerPid"), value)
	return n
}
