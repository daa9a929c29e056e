package charge_test

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/charge"
)

// knownReason is a line of testdata/declines.txt.
type knownReason struct {
	class  charge.DeclineClass
	reason string
}

func knownReasons(t require.TestingT) []knownReason {
	text, err := os.ReadFile("testdata/declines.txt")
	require.NoError(t, err)
	var known []knownReason
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		class, reason, _ := strings.Cut(line, " ")
		require.Contains(t, []charge.DeclineClass{charge.Hard, charge.Soft, charge.Unclassified}, charge.DeclineClass(class), line)
		known = append(known, knownReason{charge.DeclineClass(class), reason})
	}
	return known
}

// Contract, Subscriptions: "Declines are told apart by the provider's reason, with a
// table kept as data. Words that speak of a passing fault (connection, time-out,
// session, request or transaction expired, unavailable, temporarily, later, retry, try
// again) are soft wherever they stand, and 'account', 'closed', 'lost' are hard only of a
// card or its holder's account; then hard (lost, stolen, closed, invalid or expired card,
// revoked, not permitted, fraud)".
func TestReasonsOfDeclines(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	count := map[charge.DeclineClass]int{}
	for _, known := range knownReasons(t) {
		require.False(t, seen[known.reason], "%q is there twice", known.reason)
		seen[known.reason] = true
		count[known.class]++
		require.Equal(t, known.class, charge.ClassifyDecline(known.reason), "%q", known.reason)
	}
	for class, n := range count {
		require.Greater(t, n, 30, "reasons that are %s", class)
	}
}

// The words of a passing fault, beside whatever is hard by itself, before it and behind it.
func TestAPassingFaultIsSoftWhereverItStands(t *testing.T) {
	t.Parallel()
	passing := []string{
		"connection", "time-out", "timeout", "timed out", "session expired", "request expired", "transaction expired",
		"unavailable", "temporarily", "later", "retry", "try again",
	}
	for _, known := range knownReasons(t) {
		if known.class != charge.Hard {
			continue
		}
		for _, words := range passing {
			if strings.Contains(words, "try") && forbidsAnotherTry(known.reason) {
				continue // "do not retry" is the opposite of "retry"
			}
			require.Equal(t, charge.Soft, charge.ClassifyDecline(words+": "+known.reason), "%s: %s", words, known.reason)
			require.Equal(t, charge.Soft, charge.ClassifyDecline(known.reason+" ("+words+")"), "%s (%s)", known.reason, words)
		}
	}
}

// forbidsAnotherTry reports whether a reason says that there must not be another try.
func forbidsAnotherTry(reason string) bool {
	reason = strings.ToLower(reason)
	for _, word := range []string{"retr", "again", "resubmit"} {
		if strings.Contains(reason, word) {
			return true
		}
	}
	return false
}

// Case and punctuation do not matter: neither how a reason is written, nor what stands
// between its words and around them.
func TestCaseAndPunctuationOfAReasonDoNotMatter(t *testing.T) {
	t.Parallel()
	all := knownReasons(t)
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SampledFrom(all).Draw(t, "known")
		between := rapid.StringMatching(`[ _.,:;!?()"'/\\*\-\t\n–…|]{1,3}`)
		var written strings.Builder
		written.WriteString(rapid.StringMatching(`[ .\-*#"(]{0,3}`).Draw(t, "before"))
		for _, r := range known.reason {
			switch {
			case r > unicode.MaxASCII:
				written.WriteRune(r)
			case !unicode.IsLetter(r) && !unicode.IsDigit(r):
				written.WriteString(between.Draw(t, "between"))
			case rapid.Bool().Draw(t, "upper"):
				written.WriteRune(unicode.ToUpper(r))
			default:
				written.WriteRune(unicode.ToLower(r))
			}
		}
		written.WriteString(between.Draw(t, "behind"))
		require.Equal(t, known.class, charge.ClassifyDecline(written.String()), "%q for %q", written.String(), known.reason)
	})
}

// Whatever a reason is, it has a class, and the same one in capitals, with its words
// far apart, and as its words alone.
func FuzzClassifyDecline(f *testing.F) {
	for _, known := range knownReasons(f) {
		f.Add(known.reason)
	}
	f.Fuzz(func(t *testing.T, reason string) {
		class := charge.ClassifyDecline(reason)
		require.Contains(t, []charge.DeclineClass{charge.Hard, charge.Soft, charge.Unclassified}, class)
		words := strings.FieldsFunc(strings.ToLower(reason), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		require.Equal(t, class, charge.ClassifyDecline(strings.Join(words, " ")))
		require.Equal(t, class, charge.ClassifyDecline(strings.ToUpper(strings.Join(words, " -- "))+"!"))
		require.Equal(t, class, charge.ClassifyDecline("("+strings.Join(words, "_")+")"))
	})
}
