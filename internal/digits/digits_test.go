package digits

import (
	"math"
	"strconv"
	"testing"
)

func TestParse(t *testing.T) {
	texts := []string{"", "0", "7", "007", "12", "1f", "ff", "xy", "-1", "+1", " 1", "1 ", "1.5", "1_0", "0x1", "g", "FF", "1:",
		"65535", "65536", "2147483647", "2147483648", "ffffffff", "100000000", "18446744073709551615", "18446744073709551616",
		"ffffffffffffffff", "10000000000000000", "99999999999999999999", "é"}
	for _, bits := range []int{1, 8, 16, 31, 32, 63, 64} {
		for _, at := range []uint64{1<<bits - 1, 1 << bits, math.MaxUint64 / 10, math.MaxUint64/10 + 1} {
			texts = append(texts, strconv.FormatUint(at, 10), strconv.FormatUint(at, 16))
		}
	}
	for _, text := range texts {
		for _, base := range []int{10, 16} {
			for _, bits := range []int{1, 8, 16, 31, 32, 63, 64} {
				want, err := strconv.ParseUint(text, base, bits)
				if text == "FF" && base == 16 {
					want, err = 0, strconv.ErrSyntax // the kernel's are small
				}
				if err != nil {
					want = 0
				}
				if n, ok := Parse(text, uint64(base), bits); n != want || ok != (err == nil) {
					t.Errorf("%q in base %d and %d bits: %d, %t, want %d, %v", text, base, bits, n, ok, want, err)
				}
			}
		}
	}
}
