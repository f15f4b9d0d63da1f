// Peers compares this module's compiler with others': elastic/go-seccomp-bpf, libseccomp and gVisor's pkg/seccomp. All
// are given one policy, filter/testdata/server.policy. From this directory
//
//	go run .              prints the table
//	go run . -counts      only what is counted exactly, which takes a second
//	go run . -compile     only what compiling takes
//	go test .             runs their programs in our machine against our evaluator, over edge values
//
// libseccomp is reached through cgo, and needs its headers (apt-get install libseccomp-dev) and a C compiler, and the
// build tag libseccomp:
//
//	go run -tags libseccomp . -rounds 9
//
// Without the tag its rows are missing, and the table says so. With it the tests also compare the numbers of all calls
// with libseccomp's on its architectures, and what dialect/oci reads of a profile with its programs. It runs on amd64 Linux, for which the policy is written.
//
// Counts are exact. Times are medians over rounds in which the variants take turns. What compiling takes is measured in
// one process: ours from the text of the policy to the program, the others' from a policy that is built already. Filters
// are installed in a process of their own each round: one can't be taken off, and the kernel bounds what a process may
// have. On a shared machine only ratios mean something. docs/performance.md has what was measured.
package main
