package dinardragon

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dinarfunctions/shared/secrets"
)

const (
	maxText = 300
	// maxWork is how many bytes of a text are read for what is shown of it. The
	// provider decides how long a text is, and most of it is cut off anyway.
	maxWork = 8 << 10
	// maxEscaped is how many times over a key may be escaped and is still found: by
	// the provider's JSON, by a Go error that quotes it, by a proxy between them.
	maxEscaped = 4
	// longestEscape is how many bytes one byte of a key may have become: \u0022 in a
	// text that is escaped once, \\u0022 and so on in others.
	longestEscape = 12
)

// clean makes the words of others fit to be shown: on one line, of at most maxText
// characters, and without the keys, however they are escaped.
func clean(text string, keys []secrets.Text) string {
	text, cut := bounded(text, keys)
	for _, key := range keys {
		if !key.IsZero() {
			text = redact(text, key)
		}
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case utf8.RuneCountInString(text) > maxText:
		text = string([]rune(text)[:maxText-1]) + "…"
	case cut:
		text += "…"
	}
	return text
}

// bounded cuts a text that is too long to be searched. Its new end may be the first
// half of a key, which nobody would recognise: as much as a key can take is cut too.
func bounded(text string, keys []secrets.Text) (string, bool) {
	if len(text) <= maxWork {
		return text, false
	}
	end := maxWork
	for _, key := range keys {
		end = min(end, maxWork-longestEscape*len(key.Reveal()))
	}
	return text[:max(end, 0)], true
}

// redact puts a mask in the place of a key: as it is, and in every escaped form. Text
// and key are both unescaped step by step, and the key is looked for at each step,
// so that no form has to be guessed. Each step is linear.
func redact(text string, key secrets.Text) string {
	for _, form := range forms(key.Reveal()) {
		for level := range maxEscaped + 1 {
			plain := unescaped{text: text}
			for range level {
				plain.unescape()
			}
			text = plain.mask(text, form, key.String())
		}
	}
	return text
}

// forms are a key and what is left of it where it looks escaped itself.
func forms(key string) []string {
	all := []string{key}
	plain := unescaped{text: key}
	for range maxEscaped {
		if !plain.unescape() {
			break
		}
		if plain.text != "" {
			all = append(all, plain.text)
		}
	}
	return all
}

// unescaped is a text that was unescaped some times. Its byte i stands for what begins
// at from[i] in the text that it was; from[len(text)] is the end. A nil from is the
// identity.
type unescaped struct {
	text string
	from []int
}

func (u *unescaped) at(i int) int {
	if u.from == nil {
		return i
	}
	return u.from[i]
}

// mask replaces in the original whatever a form in the unescaped text stands for.
func (u *unescaped) mask(original, form, mask string) string {
	var out strings.Builder
	written, i := 0, 0
	for {
		next := strings.Index(u.text[i:], form)
		if next < 0 {
			break
		}
		i += next
		out.WriteString(original[written:u.at(i)])
		out.WriteString(mask)
		i += len(form)
		written = u.at(i)
	}
	out.WriteString(original[written:])
	return out.String()
}

// unescape takes one level of escapes off, and tells whether there was one.
func (u *unescaped) unescape() bool {
	var (
		out  = make([]byte, 0, len(u.text))
		from = make([]int, 0, len(u.text)+1)
		some = false
	)
	for i := 0; i < len(u.text); {
		c, size := escape(u.text[i:])
		some = some || size > 1
		out, from = append(out, c), append(from, u.at(i))
		i += size
	}
	from = append(from, u.at(len(u.text)))
	u.text, u.from = string(out), from
	return some
}

// escape is the byte that a text begins with, and how many bytes it takes there: more
// than one where it is escaped as in JSON, Go (%q) or a URL. A key is printable ASCII,
// so other escapes are left alone.
func escape(text string) (c byte, size int) {
	switch {
	case len(text) < 2:
	case text[0] == '%':
		return hex(text, 1, 2)
	case text[0] != '\\':
	case strings.IndexByte(`"\/'`, text[1]) >= 0:
		return text[1], 2
	case text[1] == 'x':
		return hex(text, 2, 2)
	case text[1] == 'u':
		return hex(text, 2, 4)
	}
	return text[0], 1
}

// hex reads digits of a text that begins with their mark.
func hex(text string, mark, digits int) (c byte, size int) {
	if len(text) >= mark+digits {
		value, err := strconv.ParseUint(text[mark:mark+digits], 16, 32)
		if err == nil && value > ' ' && value <= '~' {
			return byte(value), mark + digits
		}
	}
	return text[0], 1
}
