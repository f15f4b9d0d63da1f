// Package attack holds tests alone: every known way around a locked stage, tried for real in a child process, in each
// stage of the example server's policy (examples/webserver/seccomp.policy). An attack is either refused as it should
// be, or one that seccomp cannot refuse: then it is shown to work, and names the paragraph of docs/threat-model.md that
// says so.
package attack
