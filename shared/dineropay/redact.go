package dineropay

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// How much of the provider's text is kept, in characters.
const (
	maxReason = 500
	maxWord   = 40
)

// minRun is how long a text without blanks has to be to be taken for a token. What is
// shorter is none (charge.TokenEnd shows nothing of it).
const minRun = 8

// redactor takes our secrets out of what the provider says, in case it repeats
// them, in whatever case it writes them: the signed text is an upper-cased one.
type redactor struct {
	secrets []string
	// found matches every secret; nil where there is none.
	found *regexp.Regexp
	// longest is how many characters a match may have, at the most.
	longest int
}

// newRedactor takes out the secrets, and whatever may be the token of which only the
// end is known (charge.TokenEnd): every run of eight or more characters without a
// blank that ends like it. The end is empty where there is no token, or a short one.
func newRedactor(tokenEnd string, secrets ...hidden.Text) redactor {
	r := redactor{longest: maxID}
	var forms []string
	for _, s := range secrets {
		text := strings.ToValidUTF8(s.Reveal(), "")
		if len(text) < 4 { // a shorter one could not be told from chance
			continue
		}
		r.secrets = append(r.secrets, text)
		quoted := strconv.Quote(text)
		forms = append(forms, regexp.QuoteMeta(text), regexp.QuoteMeta(quoted[1:len(quoted)-1]))
		r.longest = max(r.longest, utf8.RuneCountInString(quoted))
	}
	// The longest first: a secret may begin like another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	if tokenEnd != "" {
		before := max(0, minRun-utf8.RuneCountInString(tokenEnd))
		// Before the others: a run may hold one of them and go on with the token.
		forms = slices.Insert(forms, 0, fmt.Sprintf(`[^\s\p{Z}]{%d,}%s`, before, regexp.QuoteMeta(tokenEnd)))
	}
	if forms == nil {
		return r
	}
	r.found = regexp.MustCompile("(?i)" + strings.Join(forms, "|"))
	return r
}

// text is a text without our secrets, of at most so many characters. A text may be
// as long as an answer, so it is cut before it is searched. The cut must not split a
// secret, which would not be found then. So the part that is searched is longer than
// the part that is kept, by the length of the longest secret.
func (r redactor) text(text string, most int) string {
	kept, searched := cut(text, most), cut(text, most+r.longest)
	var out strings.Builder
	done := 0
	if r.found != nil {
		// What begins beyond what is kept may be cut itself, and is not shown.
		for _, at := range r.found.FindAllStringIndex(searched, -1) {
			if at[0] >= len(kept) {
				break
			}
			out.WriteString(searched[done:at[0]])
			out.WriteString(hidden.Text{}.String())
			done = at[1]
		}
	}
	if done < len(kept) {
		out.WriteString(kept[done:])
	}
	shown := cut(out.String(), most)
	if len(shown) < out.Len() || max(done, len(kept)) < len(text) {
		shown += "…"
	}
	return shown
}

// cut is the beginning of a text, of at most so many characters.
func cut(text string, most int) string {
	for at := range text {
		if most == 0 {
			return text[:at]
		}
		most--
	}
	return text
}

// uuidForm is the form of a payment_id (DineroPay, recurring).
var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// id is a name that the provider gave, or nothing if it cannot be one: asking
// about half a name would be asking about something else.
//
// A UUID is kept unless it is a secret as a whole. It may well end like the
// token: in the provider's own examples it does.
func (r redactor) id(id string) string {
	isSecret := func(secret string) bool { return strings.EqualFold(id, secret) }
	switch {
	case len(id) > maxID, strings.ContainsFunc(id, unfit), slices.ContainsFunc(r.secrets, isSecret):
		return ""
	case !uuidForm.MatchString(id) && r.found != nil && r.found.MatchString(id):
		return ""
	default:
		return id
	}
}

// unfit reports whether a character cannot be part of a name: a control character,
// or what stands in the place of one that could not be read.
func unfit(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }

// answer is an answer without our secrets. A documented status is none, however a
// token may end.
func (r redactor) answer(a charge.Answer) charge.Answer {
	a.PaymentID = r.id(a.PaymentID)
	a.Reason = r.text(a.Reason, maxReason)
	if _, documented := statuses[a.ProviderStatus]; !documented {
		a.ProviderStatus = r.text(a.ProviderStatus, maxWord)
	}
	a.ProviderDate = r.text(a.ProviderDate, maxWord)
	a.Differs = r.text(a.Differs, maxReason)
	return a
}
