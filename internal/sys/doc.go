// Package sys makes the system calls that neither the standard library nor golang.org/x/sys/unix wraps the way the
// kernel answers them. It is the only package of the module that imports unsafe; it decides nothing.
package sys

// A SockFilter is one classic BPF instruction, laid out as struct sock_filter of <linux/filter.h>. It is declared
// here, on every platform, because x/sys/unix knows the type on Linux only.
type SockFilter struct {
	Code uint16
	Jt   uint8
	Jf   uint8
	K    uint32
}
