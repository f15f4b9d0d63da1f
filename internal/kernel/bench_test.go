package kernel

import "testing"

func BenchmarkCall(b *testing.B) {
	for range b.N {
		if _, ok := Native().Call("openat"); !ok {
			b.Fatal()
		}
	}
}

func BenchmarkConst(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, ok := Native().Const("PROT_EXEC"); !ok {
			b.Fatal()
		}
	}
}

func BenchmarkErrnoName(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, ok := Native().ErrnoName(38); !ok {
			b.Fatal()
		}
	}
}
