// Package warm is about what the standard library loads once and late, from files: at the first log line, the first
// TLS connection, the first page sent. A stage that opens no files any more comes in between; then the load fails, for
// good, and mostly without a word. Each package below this one makes one such load happen now, to be called between the
// first stage and the last:
//
//	mimes.Load()
//	err := errors.Join(timezone.Load(), certs.Load(), listen.Load(), resolver.Load(ctx))
//
// They are packages of their own so that a program links only what it asks for: crypto/x509 and net together weigh
// almost a megabyte. What each keeps:
//
//	timezone  time.Local                            stays; time.LoadLocation reads at each call: keep what it returns
//	certs     the system's root certificates        stay
//	mimes     what mime.TypeByExtension knows       stays
//	listen    how long an accept queue may be,      stays
//	          which of IPv4, IPv6, MPTCP there is
//	resolver  /etc/services, /etc/protocols         stay
//	          resolv.conf, hosts, nsswitch.conf     only for five seconds, or with newfstatat: see there
//
// What is loaded is what the files say then: later changes are not seen, as where a program that isn't locked goes on
// with what it once loaded. None of these packages needs anything else of this module, nor that a stage is ever locked.
package warm
