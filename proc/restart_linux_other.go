//go:build linux && !amd64

package proc

// letRestart does nothing: elsewhere than on amd64 a tracer can't choose how a call that it interrupted goes on.
func letRestart(int, []InForce) {}
