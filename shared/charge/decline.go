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
// reasons, so these are the words of card networks' response codes. The first
// row that matches counts. Reasons are compared in lower case, with everything
// but letters and digits as a blank.
var declines = []struct {
	class DeclineClass
	words *regexp.Regexp
}{
	{Hard, regexp.MustCompile(`\b(lost|stolen|pick ?up|fraud|fraudulent)\b`)},
	{Hard, regexp.MustCompile(`\b(closed|revoked|revocation|expired)\b`)},
	{Hard, regexp.MustCompile(`\b(not permitted|not allowed|restricted|prohibited|stop payment)\b`)},
	{Hard, regexp.MustCompile(`\b(invalid|unknown|no such|wrong|incorrect) (card|account|pan|token|issuer|number)\b`)},
	{Hard, regexp.MustCompile(`\b(card|account|pan|token|number) (is |was )?(invalid|not valid|unknown|blocked)\b`)},
	{Soft, regexp.MustCompile(`\b(insufficient|not sufficient|exceeds?|exceeded|limit)\b`)},
	{Soft, regexp.MustCompile(`\b(try again|retry|temporar(y|ily)|timed? ?out|unavailable|inoperative|not available)\b`)},
	{Soft, regexp.MustCompile(`\b(do not honou?r|system (error|malfunction)|authentication required)\b`)},
}

var notAWord = regexp.MustCompile(`[^a-z0-9]+`)

// ClassifyDecline puts a provider's reason for a decline into a class.
func ClassifyDecline(reason string) DeclineClass {
	plain := notAWord.ReplaceAllString(strings.ToLower(reason), " ")
	for _, row := range declines {
		if row.words.MatchString(plain) {
			return row.class
		}
	}
	return Unclassified
}
