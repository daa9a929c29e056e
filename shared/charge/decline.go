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
	{Soft, has(`(dis)?connect(s|ed|ion|ions|ivity)?|time ?outs?|timed ?out|times ?out|timing ?out`)},
	{Soft, has(`sessions?`)},
	{Soft, has(momentary + ` ` + being + `expired|expired ` + momentary)},
	{Soft, has(`unavailable|unavailability|not available|temporar(y|ily)|later|until`)},
	{Soft, has(`at this time|at the moment|right now|currently|momentar(y|ily)|too late|received late`)},
	{Soft, has(`(system|network|technical|internal|communications?|host|server|service|gateway|switch|issuer|bank|acquirer) (is |was )?(errors?|failures?|faults?|problems?|issues?|malfunctions?|down)`)},
	{Soft, has(`malfunctions?|inoperative|offline|maintenance|overload(ed)?|busy|cut ?off|no response|not respond(ing)?|unreachable|not reachable`)},
	// "Do not try again" is the one word about another try that promises nothing.
	{Soft, has(never + again + `( [a-z0-9]+){0,3} (before|within|for|today|now|yet|immediately)`)},
	{Hard, has(never + again)},
	{Soft, has(again)},

	// A card, or its holder's account, that will not work again.
	{Hard, has(`stolen|pick(ed)? ?up|fraud|frauds|fraudulent|counterfeit`)},
	{Hard, has(`lost ` + of + `card|card ` + being + `lost`)},
	{Hard, has(`closed ` + of + saved + `|` + saved + ` ` + being + `closed`)},
	{Hard, has(`expired ` + of + agreed + `|` + agreed + ` ` + being + `expired`)},
	{Hard, regexp.MustCompile(`^ ?expired ?$`)},
	{Hard, has(`revoked|revocations?`)},
	{Hard, has(`not permitted|not allowed|restricted|prohibited|stop payments?|payments? stopped|stop recurring`)},
	{Hard, has(`(invalid|not valid|unknown|no such|wrong|incorrect|non ?existent|blocked|cancell?ed) ` + of + `(` + saved + `|issuer)`)},
	{Hard, has(`(` + saved + `|issuer) ` + being + `(invalid|not valid|unknown|non ?existent|blocked|cancell?ed|not found|not recogni[sz]ed|not exist)`)},
	{Hard, has(`no ` + of + `(account|card record)|no such number`)},
	{Hard, has(`(invalid|wrong|incorrect) (card )?(expiry|expiration)`)},

	// What may be another day.
	{Soft, has(`insufficient|not sufficient|exceeds?|exceeded|limits?|no funds|low balance`)},
	{Soft, has(`do not honou?r|authentication (is )?required|re ?enter`)},
}

// What the rows are made of. Each word of of and being has its blank behind it.
const (
	// momentary are things that are made for one payment, or for a part of one.
	momentary = `(payment )?(requests?|transactions?|orders?|links?|page|challenge|authentication|otp|one time password|code)`
	// saved is what can be charged again and again, and agreed is that or the
	// customer's consent to it.
	saved  = `(card|cards|account|accounts|pan|token|tokens)`
	agreed = `(card|cards|account|accounts|pan|token|tokens|mandate|agreement|consent)`
	// of are words that say which card or account: "closed savings account".
	of = `((or|and|the|this|your|a|to|from|stolen|lost|invalid|non ?existent|credit|debit|bank|payment|prepaid|virtual|saved|stored|recurring|` +
		`savings?|checking|current|universal|investment|default|customer|consumer|client|payer|buyer|card ?holder|holder|s|card) )*`
	// being are words between a thing and what is said of it: "card has been reported lost".
	being = `((number|no|id|holder|is|was|are|were|has|have|had|been|being|does|do|did|already|now|reported|as|marked|flagged|declared|listed|either) )*`
	// never and again: "must not be", "retried".
	never = `(do not|don ?t|never|not to|no|no further|(must|should|can|may|shall|will) ?(not|t)( be)?|can t( be)?) `
	again = `(re ?try|re ?tries|re ?tried|re ?trying|(try|tried|attempt|attempted|submit|submitted|send|sent)( (it|this|the|that|card|payment|transaction|request|with)){0,3} (again|once more)|re ?submit|re ?submitted|re ?attempt|re ?attempted)`
)

// has finds words, and no parts of words.
func has(words string) *regexp.Regexp { return regexp.MustCompile(`\b(` + words + `)\b`) }

// others are accounts that are not the card holder's. What is wrong with them says
// nothing about the card.
var others = has(`((sub ?)?merchant|acquirer|acquiring|gateway|terminal|settlement|processor|processing|provider|partner|shop|store|seller|payee|beneficiary)` +
	`( s)?( (own|main|bank|settlement|id))* accounts?`)

// othersToken is what programs show one another to be let in: no saved card.
var othersToken = has(`(access|api|auth|bearer|csrf|security) tokens?`)

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
