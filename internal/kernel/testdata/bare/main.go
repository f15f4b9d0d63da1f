// Bare is as importer is, without the tables, but with what the tables take of the standard library.
package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

func main() {
	n, _ := strconv.ParseInt(os.Args[1], 0, 64)
	println(n, slices.Index(os.Args, strings.ToLower(os.Args[1])))
}
