//go:build !linux

package sys

import "os"

// Names lists a directory, without . and .., in no order; with an error, as much of it as could be read.
func Names(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}
