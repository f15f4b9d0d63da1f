// Package mimes loads the system's MIME types: see package warm.
package mimes

import "mime"

// Load has package mime load what the system knows of file name extensions, which it would do at the first
// mime.TypeByExtension, as net/http does when it sends a file (mime/type_unix.go:initMimeUnix). Where there are no such
// files, or they can't be read, the dozen types that are built in are all there is; package mime doesn't tell.
func Load() { mime.TypeByExtension(".html") }
