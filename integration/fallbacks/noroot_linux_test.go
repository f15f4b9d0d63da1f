//go:build !go1.25

package fallbacks

var newer []fallback
