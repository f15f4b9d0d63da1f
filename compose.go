package seccomp

import (
	"fmt"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// compose returns the policy of a process: the declared one, if any, with what was said in code put in as stages of
// its own. What was said about a stage of the policy comes right behind that stage, and narrows it.
func compose(declared *rule.File, handles []*Handle) *rule.File {
	f := &rule.File{}
	if declared == nil {
		for i, h := range handles {
			f.Stmts = append(append(f.Stmts, stageOf(h, h.name)), h.statements(f, i > 0)...)
		}
		return f
	}
	f.Name = declared.Name
	behind, said := make(map[string][]rule.Stmt), make(map[string]int)
	for _, h := range handles {
		said[h.name]++
		behind[h.name] = append(append(behind[h.name], stageOf(h, inCode(h.name, said[h.name]))), h.statements(f, true)...)
	}
	current, named := "init", false
	for _, s := range declared.Stmts {
		if s, ok := s.(*rule.Stage); ok {
			if named {
				f.Stmts = append(f.Stmts, behind[current]...)
			}
			current, named = s.Name.Text, true
		}
		f.Stmts = append(f.Stmts, s)
	}
	if !named && len(behind[current]) > 0 {
		// What follows must not become part of the first stage. That stands behind all it says, so that its deny is still
		// one before the first stage, which speaks for all.
		at := declared.Stmts[len(declared.Stmts)-1].Start()
		f.Stmts = append(f.Stmts, &rule.Stage{Pos: at, Name: rule.Name{Pos: at, Text: current}})
	}
	f.Stmts = append(f.Stmts, behind[current]...)
	return f
}

// stageOf begins the stage that a handle says.
func stageOf(h *Handle, name string) *rule.Stage {
	at := rule.Pos{Line: 1, Col: 1}
	return &rule.Stage{Pos: at, Name: rule.Name{Pos: at, Text: name}, File: h.String()}
}

// inCode names the stage by which the nth handle narrows a stage of the policy. No policy text can have a stage of that
// name.
func inCode(name string, n int) string {
	if n == 1 {
		return name + " in code"
	}
	return fmt.Sprintf("%s in code, %d", name, n)
}

// statements returns what the handle says, as the statements of a stage, and leaves its mistakes in f. narrow tells that
// there is a stage to narrow.
func (h *Handle) statements(f *rule.File, narrow bool) (stmts []rule.Stmt) {
	at := rule.Pos{Line: 1, Col: 1}
	if len(h.sets) > 0 {
		names := make([]rule.Name, len(h.sets))
		for i, s := range h.sets {
			names[i] = rule.Name{Pos: at, Text: s}
		}
		if narrow {
			stmts = append(stmts, &rule.Only{Pos: at, Sets: names})
		} else {
			stmts = append(stmts, &rule.Use{Pos: at, Sets: names})
		}
	}
	mistake := func(at rule.Pos, class error, msg string) {
		f.Mistakes = append(f.Mistakes, &rule.Error{File: h.String(), Pos: at, Class: class, Msg: msg})
	}
	if h.none {
		mistake(at, policy.ErrEmpty, "Use names no set: is the list that it was given empty?")
		stmts = append(stmts, &rule.Broken{Pos: at, Begun: &rule.Use{}})
	}
	for _, text := range h.text {
		said, err := rule.Parse(h.String(), text)
		list, _ := err.(rule.Errors) // as Parse says
		f.Mistakes = append(f.Mistakes, list...)
		if said == nil { // it is too large
			stmts = append(stmts, &rule.Broken{Pos: at})
			continue
		}
		if len(said.Stmts) == 0 && err == nil {
			mistake(at, policy.ErrEmpty, "Rules says nothing: was the text read?")
		}
		for _, s := range said.Stmts {
			if _, ok := s.(*rule.Stage); ok {
				mistake(s.Start(), rule.ErrSyntax,
					"a stage inside a stage: Rules says more about one, Declare takes whole policies")
				s = &rule.Broken{Pos: s.Start(), Begun: s}
			}
			stmts = append(stmts, s)
		}
	}
	return stmts
}
