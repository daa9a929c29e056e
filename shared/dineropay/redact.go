package dineropay

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// How much of the provider's text is kept, in characters.
const (
	maxReason = 500
	maxWord   = 40
)

// redactor takes our secrets out of what the provider says, in case it repeats
// them, in whatever case it writes them: the signed text is an upper-cased one.
type redactor struct {
	secrets []string
	// found matches every secret; nil where there is none.
	found *regexp.Regexp
}

func newRedactor(secrets ...hidden.Text) redactor {
	var r redactor
	var forms []string
	for _, s := range secrets {
		text := strings.ToValidUTF8(s.Reveal(), "")
		if len(text) < 4 { // a shorter one could not be told from chance
			continue
		}
		r.secrets = append(r.secrets, text)
		quoted := strconv.Quote(text)
		forms = append(forms, regexp.QuoteMeta(text), regexp.QuoteMeta(quoted[1:len(quoted)-1]))
	}
	if forms == nil {
		return r
	}
	// The longest first: a secret may begin like another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	r.found = regexp.MustCompile("(?i)" + strings.Join(forms, "|"))
	return r
}

// text is a text without our secrets, of at most so many characters. In this
// order: a secret that was cut in two would not be found any more.
func (r redactor) text(text string, most int) string {
	if r.found != nil {
		text = r.found.ReplaceAllLiteralString(text, hidden.Text{}.String())
	}
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
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
	case len(id) > maxID, strings.ContainsFunc(id, unicode.IsControl), slices.ContainsFunc(r.secrets, isSecret):
		return ""
	case !uuidForm.MatchString(id) && r.found != nil && r.found.MatchString(id):
		return ""
	default:
		return id
	}
}

// answer is an answer without our secrets.
func (r redactor) answer(a charge.Answer) charge.Answer {
	a.PaymentID = r.id(a.PaymentID)
	a.Reason = r.text(a.Reason, maxReason)
	a.ProviderStatus = r.text(a.ProviderStatus, maxWord)
	a.ProviderDate = r.text(a.ProviderDate, maxWord)
	a.Differs = r.text(a.Differs, maxReason)
	return a
}
