// Tool counts the lines of a file. It opens the file, and then keeps nothing but the use of what is open: a mistake
// in reading the input, which may come from anybody, can't reach another file, the network or another program.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/stagelock/seccomp"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tool FILE")
		os.Exit(2)
	}
	input, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tool:", err)
		os.Exit(1)
	}
	seccomp.Stage("init").Use("file.io").MustLock()

	lines, err := count(input)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tool:", err)
		os.Exit(1)
	}
	fmt.Println(lines)
	if _, err := os.Open(os.Args[1]); err != nil {
		fmt.Println(err) // open …: operation not permitted
	}
}

func count(r io.Reader) (lines int, err error) {
	in := bufio.NewReader(r)
	for {
		_, err := in.ReadSlice('\n')
		switch err {
		case nil:
			lines++
		case bufio.ErrBufferFull:
		case io.EOF:
			return lines, nil
		default:
			return lines, err
		}
	}
}
