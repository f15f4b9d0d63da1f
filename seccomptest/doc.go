// Package seccomptest tests what a locked process may and may not do. A lock can't be taken off, so each case runs in
// a child process, the test binary started once more, and the parent demands the whole outcome: every check made, the
// final report, exit code 0. A child that dies of SIGSYS, exits in the middle or hangs fails the test; so a refusal
// that was never reached can't pass, nor one where nothing is locked, nor a case that checks nothing, nor one that drops
// Lock's error and goes on with nothing locked.
//
//	func TestMain(m *testing.M) { seccomptest.Main(m) }
//
//	var noFiles = seccomptest.Case("no files", func(c *seccomptest.C) {
//		c.Must(seccomp.Stage("serve").Lock())
//		c.Refused(syscall.EPERM, "open a file", func() error { _, err := os.Open("/etc/passwd"); return err })
//		c.Allowed("tell the time", func() error { time.Sleep(time.Millisecond); return nil })
//	})
//
//	func TestNoFiles(t *testing.T) { noFiles.Run(t) }
//
// Cases are package variables, so that the child knows them before the testing framework starts: its flags, its
// coverage files and its goroutines play no part in the child. The child reports through memory shared with its
// parent, which needs no system call, so a policy under test may refuse write; it only has to let the child exit.
//
// Off Linux cases are skipped.
package seccomptest
