// Package oracle has the edge values at which policies are tried, and tests: what a policy says, what our machine makes of the compiled programs and what the
// running kernel answers must be the same, for every system call there is and for edge values of every argument word.
//
// TestReadings goes one step further, for the calls that policies filter most: the calls are really made, and what the
// kernel reads of an argument is what the filter compares.
//
// The programs are installed as they were compiled, but for the values they return: each is replaced by an errno that
// stands for it, so that no call is really made and nothing dies.
package oracle
