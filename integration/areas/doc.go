// Package areas runs functions of the standard library in processes that have nothing but the runtime's floor and the
// sets of the functions' area, and that die of any other call. Its only content is tests.
package areas
