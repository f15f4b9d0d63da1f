package filter

import "testing"

func TestVerifyServer(t *testing.T) {
	table := serverTable()
	progs, err := Compile(table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(table, progs...); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		other, foreign, extra bool
	}{{true, true, false}} {
		_ = c
		table.Other, table.Foreign = is(enosys), is(kill)
		progs, err := Compile(table, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(table, progs...); err != nil {
			t.Error(err)
		}
		t.Log(len(progs[0].Insns))
	}
}
