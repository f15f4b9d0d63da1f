package launch

import (
	"encoding/binary"
	"errors"
	"io"
)

// A frame is what a Helper and its process say to each other over a stream socket: a header, with which descriptors may
// come, and a body of strings.
type frame struct {
	kind, id uint32
	text     []string
	files    []int
}

// Kinds of frames.
const (
	framePrograms = iota // to the helper, once: for each program, how many strings follow, its path, and its filters
	frameStart           // to the helper: the program's number, which files there are, the arguments
	frameSignal          // to the helper: the signal's number
	frameStarted         // from the helper: the pid; with the output's descriptor, if that was asked for
	frameFailed          // from the helper: why the program was not started
	frameEnded           // from the helper: the wait status
)

const (
	headerSize = 12
	// maxFiles is how many descriptors can go with one message: SCM_MAX_FD (unix(7)).
	maxFiles = 253
	maxBody  = 16 << 20
)

var errFrame = errors.New("a message between the process and its helper makes no sense")

// header returns kind, id, and the length of the body.
func (f *frame) header(body []byte) []byte {
	var h [headerSize]byte
	binary.NativeEndian.PutUint32(h[0:], f.kind)
	binary.NativeEndian.PutUint32(h[4:], f.id)
	binary.NativeEndian.PutUint32(h[8:], uint32(len(body)))
	return h[:]
}

// body returns the strings, each behind its length.
func (f *frame) body() []byte {
	var b []byte
	for _, s := range f.text {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// readBody reads what follows a header.
func readBody(r io.Reader, header []byte) (*frame, error) {
	f := &frame{kind: binary.NativeEndian.Uint32(header), id: binary.NativeEndian.Uint32(header[4:])}
	size := binary.NativeEndian.Uint32(header[8:])
	if size > maxBody {
		return nil, errFrame
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, errFrame
		}
		f.text = append(f.text, string(b[used:used+int(n)]))
		b = b[used+int(n):]
	}
	return f, nil
}
