package filter

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What a compiler made before leaves no trace in the programs it makes: a compiler that is new and one that has made
// many make the same ones.
func TestCompilerForgets(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	g := &generator{dice: random}
	used := madeCompiler()
	for range 200 {
		table := g.table(testArches[random.IntN(len(testArches))], 1+random.IntN(60))
		c := madeCompiler()
		c.prepare(table, &Options{}, allNumbers)
		want, err := c.program()
		if err != nil {
			t.Fatal(err)
		}
		used.prepare(table, &Options{}, allNumbers)
		got, err := used.program()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Insns, want.Insns) {
			t.Fatalf("a compiler that is used again makes\n%s\na new one\n%s", got.Asm(), want.Asm())
		}
		used.forget()
	}
}
