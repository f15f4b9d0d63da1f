package rule

// A Stmt is one statement: *Deny, *Stage, *Use, *Drop, *Only, *Set, *Rule; in a File with Mistakes also *Broken.
type Stmt interface {
	Start() Pos
	Notes() Comments
	SetNotes(Comments)
	said() aside
	note(*aside)
	stmt()
}

type (
	// Deny is `deny ACTION`: what a refused call gets.
	Deny struct {
		Pos
		noted
		Action Action
	}
	// Stage is `stage NAME`; the statements up to the next one belong to it.
	Stage struct {
		Pos
		noted
		Name Name
		File string // where it was written, if elsewhere than in the File: said by a program; Parse leaves it empty

		// Loose means that its drops may find nothing to take: it was written without knowing what a program says before
		// it. Parse leaves it false.
		Loose bool
	}
	// Use is `use NAME, …`.
	Use struct {
		Pos
		noted
		Sets []Name // at least one
	}
	// Drop is `drop NAME, …`.
	Drop struct {
		Pos
		noted
		Sets []Name // at least one
	}
	// Only is `only NAME, …`.
	Only struct {
		Pos
		noted
		Sets []Name // at least one
	}
	// Set is `set NAME { … }`. The body holds Use and Rule only.
	Set struct {
		Pos
		noted
		Name     Name
		Body     []Stmt
		Trailing []string // the comments before the closing brace, as in Comments.Before
		End      Pos      // of the closing brace
	}
	// Rule is `sys_NAME: VERDICT {else ACTION [if EXPR]} [including go]`. `on_next_syscall: 1` is a Rule too, with
	// that Call name.
	Rule struct {
		Pos
		noted
		Call    Call
		Verdict Expr // a *Number 1 or 0 is the plain verdict
	}
	// Broken stands where a statement with a mistake of grammar does.
	Broken struct {
		Pos
		noted
		// Begun has what could be read of the statement, nil where not even its kind is known. Where a mistake stands
		// behind a whole statement, that comes before the Broken too.
		Begun Stmt
		Text  string // as it was written
	}
)

func (*Deny) stmt()   {}
func (*Stage) stmt()  {}
func (*Use) stmt()    {}
func (*Drop) stmt()   {}
func (*Only) stmt()   {}
func (*Set) stmt()    {}
func (*Rule) stmt()   {}
func (*Broken) stmt() {}

// OnNextSyscall is the name of the Call whose Rule holds a whole policy back until the next exec.
const OnNextSyscall = "on_next_syscall"

// A Rest is what few rules have: what stands behind the verdict.
type Rest struct {
	Else        []Else
	IncludingGo bool
	GoPos       Pos // of `including`
}

// noRest is the Rest of most rules.
var noRest Rest

// Rest returns what stands behind the verdict. It must not be changed: see SetRest.
func (r *Rule) Rest() *Rest {
	if r.aside == nil || r.aside.rest == nil {
		return &noRest
	}
	return r.aside.rest
}

// SetRest says what stands behind the verdict.
func (r *Rule) SetRest(rest Rest) { r.aside = &aside{r.Notes(), &rest} }

// A Call names a system call, by name or as nr(N), where its Rule begins.
type Call struct {
	Name string  // as written, without sys_; empty where Nr says it
	Nr   *Number // at most 1<<32 - 1
}

// An Else is `else ACTION [if EXPR]`.
type Else struct {
	Pos
	Action Action
	If     Expr // nil: always
}

// An Action is `kill`, `trap`, `log`, or `errno(NAME)`, `errno(NUMBER)`.
type Action struct {
	Pos
	Name  string
	Errno Value // *Ident or *Number; nil but for errno
}

// A Name is a dotted name with its place.
type Name struct {
	Pos
	Text string
}
