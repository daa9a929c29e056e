package charge

import (
	"regexp"
	"strings"
)

// DeclineClass tells declines that are worth another try from those that are
// not. The zero DeclineClass is that of a charge that was not declined.
type DeclineClass string

const (
	// Hard: the card will not work again. Not tried again.
	Hard DeclineClass = "hard"
	// Soft: it may work later.
	Soft DeclineClass = "soft"
	// Unclassified: the reason says neither. Treated like Soft.
	Unclassified DeclineClass = "unclassified"
	// Operator: a person said that it was not charged.
	Operator DeclineClass = "operator"
)

// declines is how reasons are told apart. The provider documents no list of
// reasons, so these are the words of card networks' response codes and of what
// stands between a card and us. The first row that matches counts. A reason is
// compared as its words alone: in lower case, one blank between words, and
// nothing else. Reasons with the class that each has are in
// testdata/declines.txt: a new row of this table begins with a line there.
//
// What passes comes first, wherever it stands in the reason: a lost connection is
// no lost card, and a fraud check that is unavailable has found no fraud. A
// passing fault that is taken for a hard decline stops a good customer's
// subscription; a hard decline that is taken for a passing fault costs a few tries.
var declines = []struct {
	class DeclineClass
	words *regexp.Regexp
}{
	// A fault that passes.
	{Soft, has(`connection|connections|connectivity|(dis)?connect(ed)?|time ?outs?|timed ?out`)},
	{Soft, has(`sessions?`)},
	{Soft, has(momentary + ` ` + being + `expired|expired ` + momentary)},
	{Soft, has(`unavailable|not available|temporar(y|ily)|later|until|at this time|at the moment|currently|too late`)},
	{Soft, has(`(system|network|technical|internal|server|service|issuer) (is )?(error|failure|problem|down)`)},
	{Soft, has(`malfunction|inoperative|offline|maintenance|busy|cut ?off|no response|not respond(ing)?`)},
	// "Do not try again" is the one word about another try that promises nothing.
	{Soft, has(never + again + `( [a-z0-9]+){0,3} (before|within|today)`)},
	{Hard, has(never + again)},
	{Soft, has(again)},

	// A card, or its holder's account, that will not work again.
	{Hard, has(`stolen|pick(ed)? ?up|fraud|fraudulent|counterfeit`)},
	{Hard, has(`lost ` + of + `card|card ` + being + `lost`)},
	{Hard, has(`closed ` + of + saved + `|` + saved + ` ` + being + `closed`)},
	{Hard, has(`expired ` + of + agreed + `|` + agreed + ` ` + being + `expired`)},
	{Hard, regexp.MustCompile(`^ ?expired ?$`)},
	{Hard, has(`revoked|revocation`)},
	{Hard, has(`not permitted|not allowed|restricted|prohibited|stop payment|stop recurring`)},
	{Hard, has(`(invalid|unknown|no such|wrong|incorrect|blocked|cancell?ed) ` + of + `(` + saved + `|issuer)`)},
	{Hard, has(saved + ` ` + being + `(invalid|not valid|unknown|blocked|cancell?ed|not found|not exist)`)},
	{Hard, has(`no ` + of + `(account|card record)`)},
	{Hard, has(`(invalid|wrong) (expiry|expiration)`)},

	// What may be another day.
	{Soft, has(`insufficient|not sufficient|no funds|exceeds?|exceeded|limit`)},
	{Soft, has(`do not honou?r|authentication (is )?required|re ?enter`)},
}

// The parts of the rows. Each word that "of" and "being" match includes the blank after it.
const (
	// momentary are things that are made for one payment, or for a part of one.
	momentary = `(request|transaction|order|payment link|challenge|authentication|otp|one time password)`
	// saved is what can be charged again and again, and agreed is that or the
	// customer's consent to it.
	saved  = `(card|account( of the (card ?holder|customer))?|pan|token)`
	agreed = `(card|account|pan|token|mandate|consent)`
	// of are words that say which card or account: "closed savings account".
	of = `((the|this|your|nonexistent|to|from|credit|debit|bank|payment|saved|recurring|savings|checking|universal|investment|card ?holder|holder|customer|s|card) )*`
	// being are words between a thing and what is said of it: "card has been reported lost".
	being = `((number|is|was|has|been|does|already|reported|declared|flagged|marked|as) )*`
	// never and again: "must not be", "retried".
	never = `(do not|don ?t|never|no|(must|should|can|may) ?not( be)?) `
	again = `(re ?try|re ?trying|re ?tried|(try|tried|submit|submitted)( (it|the|this|your|card|payment|transaction))* again|re ?submit|re ?submitted)`
)

// has finds words, and no parts of words.
func has(words string) *regexp.Regexp { return regexp.MustCompile(`\b(` + words + `)\b`) }

// others are accounts that are not the card holder's. What is wrong with them says
// nothing about the card.
var others = has(`(merchant|acquirer|gateway|terminal|settlement|processor|provider|shop)( s)?( bank)? account`)

// othersToken is what programs show one another to be let in: no saved card.
var othersToken = has(`(access|api) token`)

var notAWord = regexp.MustCompile(`[^a-z0-9]+`)

// ClassifyDecline puts a provider's reason for a decline into a class. Case and
// punctuation do not matter.
func ClassifyDecline(reason string) DeclineClass {
	plain := notAWord.ReplaceAllString(strings.ToLower(reason), " ")
	plain = othersToken.ReplaceAllString(others.ReplaceAllString(plain, "theirs"), "theirs")
	for _, row := range declines {
		if row.words.MatchString(plain) {
			return row.class
		}
	}
	return Unclassified
}
