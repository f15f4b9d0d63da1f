//go:build !amd64

package foreign

func int80(_, _, _, _ uint32) (int32, error) { return -1, ErrUnsupported }
