package sys

// A TrapText is what there is to say about a call that a filter traps. It is written before the filter is installed:
// the handler only puts its parts together.
type TrapText struct {
	Rules []string   // by the filter's SECCOMP_RET_DATA: who refuses
	Calls []TrapCall // by number: their names
	Below bool       // no filter of the process's own refuses what it takes to write it below the traceback
}

// A TrapCall is the name of a call, and how many arguments it takes.
type TrapCall struct {
	Name string // empty where there is no call of that number
	Args uint8
}
