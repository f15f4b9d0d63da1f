// Fluent says in code what its stages are, without a policy file.
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/stagelock/seccomp"
)

func main() {
	seccomp.Stage("init").
		Use("file.read", "file.io", "net.server").
		Rules("sys_socket: family == AF_INET && (type & 0xf) == SOCK_STREAM && protocol == 0").
		MustLock()

	name, err := os.ReadFile("/etc/hostname") // allowed still
	fmt.Printf("read: %d bytes, %v\n", len(name), err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer listener.Close()

	seccomp.Stage("serve").
		Use("file.io", "net.accept", "net.conn"). // what is left
		Rules("sys_ptrace: 0 else kill").
		MustLock()

	_, err = os.ReadFile("/etc/hostname")
	fmt.Println(err) // open /etc/hostname: operation not permitted
	_, err = net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(err) // listen tcp 127.0.0.1:0: socket: operation not permitted
	fmt.Println("connections can be accepted on", listener.Addr().Network())
}
