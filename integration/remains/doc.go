// Package remains tests that nothing remains: of locks, launches, helped commands and looks at other processes, however
// many there are, no descriptor, thread, zombie or stopped process; and that killing stagelock at any moment leaves no
// program without the filters that it was to have.
//
//	go test ./integration/remains -many 10000
package remains
