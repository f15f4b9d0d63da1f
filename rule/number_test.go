package rule

import "testing"

// However a number is written, its Text is that.
func TestNumberKeepsItsText(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "7": 7, "10": 10, "18446744073709551615": 1<<64 - 1,
		"00": 0, "000": 0, "017": 15, "00017": 15, "0o17": 15, "0O0017": 15, "0o0": 0, "01777777777777777777777": 1<<64 - 1,
		"0x0": 0, "0x00": 0, "0x1f": 31, "0X1F": 31, "0x00aBcD": 0xabcd, "0xFfFfFfFfFfFfFfFf": 1<<64 - 1,
		"0x0000000000000000000000FfFfFfFf00000000": 0xffffffff << 32,
	} {
		v, err := ParseValue("", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		n := v.(*Number)
		if n.Abs != want || n.Text() != text || FormatValue(n) != text {
			t.Errorf("%s: %d, %q", text, n.Abs, n.Text())
		}
	}
	if text := FormatValue(Hex(0xaf)); text != "0xaf" {
		t.Error(text)
	}
}
