package rule

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagelock/seccomp/internal/ascii"
)

// What people write who come from other languages, and what they mean by it.

// misspelt returns the operator that people mean by another at the beginning of s, whose first character is c, and the
// length of that other; "" if there is none.
func misspelt(c byte, s string) (meant string, n int) {
	if c != '=' && c != '!' && c != '<' {
		return "", 0
	}
	for _, x := range [...][2]string{{"===", "=="}, {"!==", "!="}, {"=<", "<="}, {"=>", ">="}, {"<>", "!="}} {
		if strings.HasPrefix(s, x[0]) {
			return x[1], len(x[0])
		}
	}
	return "", 0
}

// badInComment says what is wrong with the character r that rest begins with, "" if nothing is.
func badInComment(rest string, r rune) string {
	switch {
	case r < utf8.RuneSelf && r >= ' ' && r != 0x7f || r == '\t':
		return ""
	case unicode.IsControl(r), r == utf8.RuneError && !strings.HasPrefix(rest, "\ufffd"):
		return badChar(rest)
	case unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
		return fmt.Sprintf("found the invisible character %U, which makes a text look other than it is: remove it", r)
	}
	return ""
}

// badChar says what is wrong with the character at the beginning of s, which no token begins with.
func badChar(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Sprintf("found the byte 0x%02x, which is not UTF-8: a policy is a text", s[0])
	case r == 0:
		return "found a NUL byte: a policy is a text"
	case r == '\r':
		return "found a carriage return without a line feed: lines end with LF or CR LF"
	case unicode.IsControl(r):
		return fmt.Sprintf("found the control character %U: a policy is a text", r)
	case r == '"' || r == '\'' || r == '`':
		return fmt.Sprintf("found a quote (%c): names are written without quotes", r)
	case strings.HasPrefix(s, "//"), strings.HasPrefix(s, "/*"):
		return fmt.Sprintf("found %q: a comment begins with #", s[:2])
	case r >= utf8.RuneSelf:
		return fmt.Sprintf("found the character %q (%U): names and operators are ASCII", r, r)
	case r == '.':
		return `found ".": numbers are whole, and a range is written A..B`
	}
	if instead := foreign(r); instead != "" {
		return fmt.Sprintf("found the character '%c': %s", r, instead)
	}
	return fmt.Sprintf("found the character %q, which the policy language doesn't have", r)
}

// foreign says what to write for a character that the language doesn't have, "" if that isn't known.
func foreign(r rune) string {
	switch r {
	case '+':
		return `constants are joined with "|"`
	case '*', '?':
		return "there are no patterns, so name each"
	case '@':
		return "the policy language doesn't have it, and sets are named without"
	case '[', ']':
		return "lists stand in braces, as in {1, 2}"
	case '\\':
		return "a line goes on by itself behind an operator or a comma"
	}
	return ""
}

// alone records a word that stands where a condition belongs, without an operator.
func (p *parser) alone(t token) {
	switch word := ascii.Lower(p.text(t)); word {
	case "kill", "trap", "log":
		p.fail(t.pos, `found %s, expected a verdict or a condition: an action stands behind it, as in "0 else %s"`, quote(p.text(t)), word)
	case "allow", "allowed", "true", "yes", "on", "any", "all":
		p.fail(t.pos, `found %s, expected a verdict: 1, 0 or an expression: did you mean "1"?`, quote(p.text(t)))
	case "deny", "denied", "refuse", "false", "no", "off", "none", "never":
		p.fail(t.pos, `found %s, expected a verdict: 1, 0 or an expression: did you mean "0"?`, quote(p.text(t)))
	default:
		p.fail(t.pos, "found %s alone, which is no condition: compare it, as in %s", quote(p.text(t)), quote(p.text(t)+" != 0"))
	}
}

// operatorHint is the end of the message that no operator follows an argument: the lookahead stands there.
func (p *parser) operatorHint(behind string) string {
	if p.cont() == tAssign {
		return `: did you mean "=="?`
	}
	switch {
	case behind == `"errno"` && p.tok.kind == tLParen:
		return `: an action stands behind the verdict, as in "0 else errno(EPERM)"`
	case behind == `"not"`:
		return `: did you mean "!"?`
	case p.tok.kind != tWord:
		return ""
	}
	switch p.word() {
	case "is", "eq":
		return `: did you mean "=="?`
	case "has", "contains":
		return `: did you mean "&"?`
	case "not":
		return `: "!(X)" is true where X is not, as in "!(fd in {1, 2})"`
	}
	return ""
}

// joinHint is the end of the message that something else than && or || follows a condition.
func (p *parser) joinHint() string {
	if p.tok.kind == tWord {
		switch ascii.Lower(p.word()) {
		case "and":
			return `: did you mean "&&"?`
		case "or":
			return `: did you mean "||"?`
		}
	}
	return ""
}

// loneIf records an if that no action stands before.
func (p *parser) loneIf(r *Rule) {
	hint := `write "else ACTION if …"`
	switch {
	case len(r.Rest().Else) > 0:
	case isNumber(r.Verdict) && r.Verdict.(*Number).Abs == 1:
		hint = "write the condition in the place of the 1"
	case isNumber(r.Verdict):
		hint += `, or "!(…)" in the place of the 0`
	default:
		hint = `join conditions with "&&", or ` + hint
	}
	p.fail(p.tok.pos, `found "if" without an action before it: %s`, hint)
}
