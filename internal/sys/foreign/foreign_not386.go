//go:build !386

package foreign

func enterLong(uint32) (int32, error) { return -1, ErrUnsupported }
