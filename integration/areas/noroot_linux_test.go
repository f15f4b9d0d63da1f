//go:build !go1.25

package areas

var newer []*area
