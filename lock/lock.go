// Package lock puts seccomp filters in force on every thread of the calling process, and reads back that they are.
// It is the only package of the module that changes the process, and what it changes can't be changed back.
//
//	var session lock.Session
//	receipt, err := session.Install(lock.Stage{Name: "init", Filters: filters})
//
// Install does, on a thread of its own and while no child is being started: open the status file of every thread; set
// no_new_privs; install the filters with SECCOMP_FILTER_FLAG_TSYNC, which is all threads or none; read each status
// file again, which must show the filters. After that nothing of the file system is opened any more, so that a stage
// may give up openat: a later stage reads through descriptors that the first one opened. All of them are open only
// while the first stage is installed, as far as RLIMIT_NOFILE allows with some to spare; at most 8 are kept for later
// stages, the main thread's among them, and none after the last.
//
// What a filter must leave open for Install itself, beyond what the Go runtime needs at any moment:
//
//   - close, and pread64 of 16384 bytes at offset 0, in every stage that is verified, the last one included;
//   - seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, …) as long as a stage is to follow, and
//     seccomp(SECCOMP_SET_MODE_FILTER, 0, …) as well if a stage that is to follow has more than one filter.
//
// Limits. Install needs Linux 4.14. It reaches all threads of the process, those that C code made too, but no other
// process: a child that was started before keeps what it had.
package lock

import (
	"sync"
	"time"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/proc"
)

// An Instruction is one instruction of a filter, a struct sock_filter of <linux/filter.h>.
type Instruction = sys.SockFilter

// A Stage is what one Install puts in force.
type Stage struct {
	Name    string          // for receipts and errors
	Filters [][]Instruction // between equally strict answers the last one's errno counts; one that refuses seccomp goes last
	Last    bool            // no stage follows: what is kept open for later ones is closed

	observe func(*Receipt) *Error // installs the filter in place of the usual way: see Observe
}

// A Session is a process's way through its stages, and the descriptors it needs on that way. Its zero value is ready
// for use. One process has one; its methods may be called from several goroutines.
type Session struct {
	// Proc is where the process sees itself. The zero value is /proc.
	Proc proc.FS

	mu        sync.Mutex
	threads   threads // whose status files are open
	opened    bool    // whether that was tried: it is, once
	unread    string  // why no status file could be seen from the start, or not all of them
	installed int     // filters put in force by this session
	weight    int     // instructions those count for, see Weight
	last      string  // the Last stage, once it is in force
}

// A Receipt says what an Install did and what was seen of it.
type Receipt struct {
	Stage        string
	Instructions []int // of each filter installed; empty if none was
	Before       int   // filters that every thread had before, those of earlier stages included; -1 if unknown

	// Threads whose status file shows the filters, and threads of which no file was open, because they were born since
	// the first stage began, because descriptors were short, or, in a later stage, because only a few are kept: those
	// inherited the filters from the thread that made them, or got them from TSYNC, which answered that every thread
	// has them. Inherited is -1 if unknown.
	Verified, Inherited int

	// Unverified says why the read-back is missing or weaker than it could be; empty if every thread with an open
	// status file showed exactly the filters expected.
	Unverified string

	Notes []string // what is normal but worth knowing, a sentence each

	// How long it took to open and read the status files, to install the filters, and to read the files again.
	Prepare, Install, Verify time.Duration
}

// A Runtime holds the numbers by which the running process is known to the kernel, as they may appear in a policy.
type Runtime struct {
	Pid     int
	EpollFD int // the descriptor of the runtime's network poller; -1 if unknown
	EventFD int // the eventfd by which the runtime wakes it; -1 if unknown
}
