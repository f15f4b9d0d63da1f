package main

import (
	"runtime"
	"strings"
)

// A suite is the tests of one package that are run inside a machine.
type suite struct {
	pkg     string   // its directory in the module
	part    string   // of its tests; empty: what is not in another part
	archs   string   // those that have it; empty: all
	run     string   // -test.run; empty: all
	skip    string   // -test.skip
	short   bool     // -test.short: what it leaves out takes minutes here
	slow    bool     // is left out of the fast part
	cgo     bool     // is built with cgo, statically: on machines of this machine's architecture alone, for whose C compiler it is
	own     bool     // starts programs of its machine, so not on the host's, which are for another architecture
	must    []string // tests, or parts of them, that have to pass: a machine on which everything is skipped shows nothing
	seconds int      // after which the suite is ended; TCG on a busy machine is slow
}

// name is how a suite is called: by its directory, the root's by its package, and its part; with cgo it says so.
func (s suite) name() string {
	name := s.pkg
	if name == "." {
		name = "seccomp"
	}
	if s.part != "" {
		name += "." + s.part
	}
	if s.cgo {
		name += "+cgo"
	}
	return name
}

// runsOn tells whether a machine can run the suite.
func (s suite) runsOn(m machine) bool {
	return (s.archs == "" || strings.Contains(" "+s.archs+" ", " "+m.arch+" ")) && !(s.own && m.suite == host) &&
		!(s.cgo && m.arch != runtime.GOARCH)
}

// The lock's own tests are in the root package beside those of the papers and of the tree, which need the go command.
const rootTests = "^Test(DefaultPolicy|Receipt|EveryThread|Lock.*|RulesThatSayNothing|StageWithoutName|NoSuchStage|" +
	"DroppedError|PlainTestBinary|Fluent|DeclaredStageNarrowed|Widened|Mode.*|TooLate|Mistakes|Deferred|TooLarge|" +
	"OrdinaryUser|Published.*|Unpublished|Abandoned|SaidInCodeIsPublished)$"

var suites = []suite{
	{pkg: ".", run: rootTests, seconds: 300,
		must: []string{"TestDefaultPolicy", "TestEveryThread", "TestFluent", "TestReceipt", "TestOrdinaryUser"}},
	{pkg: ".", part: "observe", archs: "amd64 arm64", run: "^Test(Observe.*|NothingCanBeObserved)$", seconds: 600,
		must: []string{"TestObserve", "TestObserveInCode", "TestNothingCanBeObserved", "TestObserveAsOrdinaryUser"}},
	{pkg: "lock", part: "observe", archs: "amd64 arm64", run: "^TestObserve", seconds: 300,
		must: []string{"TestObserve", "TestObserveUnderLoad", "TestObserveHandler", "TestObserveExec"}},
	{pkg: "lock", skip: "^TestObserve", short: true, seconds: 400,
		must: []string{"TestStages", "TestDiverged", "TestRacingBirthsAndExec", "TestRefused", "TestUnderOuterFilter", "TestWeight"}},
	{pkg: "internal/sys", archs: "amd64 arm64", seconds: 120},
	{pkg: "internal/kernel", archs: "amd64 arm64 riscv64 ppc64le", run: "^TestWidths$", seconds: 200},
	{pkg: "integration/oracle", short: true, slow: true, seconds: 900, must: []string{"TestKernel", "TestComparisonCanFail"}},
	{pkg: "integration/attack", seconds: 400, must: []string{"TestAttacks", "TestStorm", "TestAttackCanSucceed"}},
	{pkg: "integration/attack", cgo: true, seconds: 400,
		must: []string{"TestAttacks/init/a_thread_that_C_made", "TestAttacks/serve/a_signal_handler"}},
	{pkg: "lock", cgo: true, skip: "^TestObserve$", short: true, slow: true, seconds: 400, must: []string{"TestStages", "TestRacingBirthsAndExec"}},
	{pkg: "launch", own: true, seconds: 300, must: []string{"TestCommand", "TestManyLaunches", "TestRefused"}},
	{pkg: "integration/stress", slow: true, run: "^Test(SameAsUnlocked|NotWithoutTheFloor)$/^pure$", seconds: 1200,
		must: []string{"TestSameAsUnlocked", "TestNotWithoutTheFloor"}},
	{pkg: "examples", slow: true, run: "^TestWebserverSelfTest$", seconds: 1200, must: []string{"TestWebserverSelfTest"}},
}

// built are the programs that tests of these suites build: the machine has no compiler, so they are built here, and its
// go command (init/main.go) hands them out.
var built = []string{"launch/testdata/prober", "integration/stress", "examples/webserver"}
