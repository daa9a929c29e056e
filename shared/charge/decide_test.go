package charge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func split(words string) []string { return strings.Fields(words) }

func containsWord(words, word string) bool { return slices.Contains(split(words), word) }

func TestDecide(t *testing.T) {
	t.Parallel()
	same := chargetest.Terms(t, "order-1")
	other := chargetest.Terms(t, "order-1")
	other.Order.Description = "something else"
	require.Equal(t, charge.Send, charge.Decide(nil, same, charge.Cycle{}))
	for state, want := range map[charge.State][2]charge.Decision{
		charge.Sending:  {charge.Repeat, charge.Conflict},
		charge.Settled:  {charge.Repeat, charge.Conflict},
		charge.Declined: {charge.Repeat, charge.Conflict},
		charge.Pending:  {charge.Repeat, charge.Conflict},
		charge.Unknown:  {charge.Repeat, charge.Conflict},
		charge.Reversed: {charge.Repeat, charge.Conflict},
		charge.Rejected: {charge.Send, charge.Send},
		charge.Unsent:   {charge.Send, charge.Send},
	} {
		standing := charge.NewClaim(same, "attempt-1", noon, noon)
		standing.State = state
		require.Equal(t, want[0], charge.Decide(&standing, same, charge.Cycle{}), "%s, same content", state)
		require.Equal(t, want[1], charge.Decide(&standing, other, charge.Cycle{}), "%s, other content", state)
		_, won := charge.Claim(&standing, charge.NewClaim(other, "attempt-2", noon, noon))
		require.Equal(t, want[1] == charge.Send, won, "Claim and Decide agree on %s", state)
	}
}

// A cycle's charge has the content that was claimed first; what stands for another
// cycle, or for none, is another charge in whatever state.
func TestDecideForACycle(t *testing.T) {
	t.Parallel()
	terms := chargetest.Terms(t, "gold-42-0007")
	other := terms
	other.Order.Description = "something else"
	cycle := charge.Cycle{Subscription: "gold-42", Number: 7}
	require.Equal(t, charge.Send, charge.Decide(nil, terms, cycle))
	for _, state := range charge.States() {
		standing := charge.NewClaim(terms, "attempt-1", noon, noon)
		standing.State, standing.For = state, cycle
		want := charge.Repeat
		if state.Chargeable() {
			want = charge.Send
		}
		require.Equal(t, want, charge.Decide(&standing, other, cycle), state)
		for _, foreign := range []charge.Cycle{{}, {Subscription: "gold-42", Number: 7, Attempt: 1}, {Subscription: "gold-42", Number: 8}, {Subscription: "gold", Number: 7}} {
			require.Equal(t, charge.Conflict, charge.Decide(&standing, terms, foreign), "%s, %v", state, foreign)
			claim := charge.NewClaim(terms, "attempt-2", noon, noon)
			claim.For = foreign
			after, won := charge.Claim(&standing, claim)
			require.False(t, won)
			require.Equal(t, standing, after)
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := chargetest.Terms(t, "order-1")
	// A stored fingerprint is compared for years: version 1 never changes.
	// This one was made with Python's hashlib.
	require.Equal(t, "v1:a4068ee1b342483047df0327657d1f92b379b95d5ebfff79723ae9d41c743bef", base.Fingerprint())

	changed := map[string]func(*charge.Terms){
		"init":        func(t *charge.Terms) { t.InitTransID = "another" },
		"token":       func(t *charge.Terms) { t.Token = hidden.New("another") },
		"schedule":    func(t *charge.Terms) { t.ScheduleID = "" },
		"number":      func(t *charge.Terms) { t.Order.Number = "order-2" },
		"description": func(t *charge.Terms) { t.Order.Description = "another" },
		"amount":      func(t *charge.Terms) { t.Order.Amount = amount("1.01", "SAR", 2) },
		"currency":    func(t *charge.Terms) { t.Order.Amount = amount("1.00", "USD", 2) },
		// No two fields run together.
		"shifted": func(t *charge.Terms) { t.InitTransID += "9"; t.Token = hidden.New(t.Token.Reveal()[1:]) },
	}
	seen := map[string]string{base.Fingerprint(): "base"}
	for name, change := range changed {
		terms := chargetest.Terms(t, "order-1")
		change(&terms)
		require.Empty(t, seen[terms.Fingerprint()], "%s has the fingerprint of %s", name, seen[terms.Fingerprint()])
		seen[terms.Fingerprint()] = name
		require.True(t, terms.Matches(terms.Fingerprint()))
		require.False(t, terms.Matches(base.Fingerprint()))
	}
	require.True(t, base.Matches(chargetest.Terms(t, "order-1").Fingerprint()))
	for _, foreign := range []string{"", "v1:", "v0:" + base.Fingerprint()[3:], "v2:x", base.Fingerprint()[3:]} {
		require.False(t, base.Matches(foreign), "%q", foreign)
	}
	require.NotContains(t, base.Fingerprint(), base.Token.Reveal())
}

func amount(text, currency string, decimals int) money.Amount {
	a, err := money.Parse(text, currency, decimals)
	if err != nil {
		panic(err)
	}
	return a
}

func TestOnlyTheTokensEndIsKept(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"9a2f-0242c0a87002": "7002",
		"12345678":          "5678",
		"1234567":           "",
		"1":                 "",
	} {
		terms := chargetest.Terms(t, "order-1")
		terms.Token = hidden.New(token)
		require.Equal(t, want, charge.NewClaim(terms, "a", noon, noon).TokenEnd, token)
	}
}

func TestSendingEndsWithItsInvocation(t *testing.T) {
	t.Parallel()
	deadline := noon.Add(20 * time.Second)
	c := charge.NewClaim(chargetest.Terms(t, "order-1"), "attempt-1", noon, deadline)
	require.Equal(t, charge.Sending, c.At(noon).State)
	require.Equal(t, charge.Sending, c.At(deadline.Add(charge.Grace)).State)
	late := c.At(deadline.Add(charge.Grace + time.Nanosecond))
	require.Equal(t, charge.Unknown, late.State)
	require.NotEmpty(t, late.Reason)
	for _, s := range charge.States() {
		if s != charge.Sending {
			c.State = s
			require.Equal(t, s, c.At(deadline.AddDate(100, 0, 0)).State, "time changes nothing but sending")
		}
	}
}

func TestClassifyDecline(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]charge.DeclineClass{
		"Lost card":                               charge.Hard,
		"STOLEN_CARD":                             charge.Hard,
		"card is stolen, pick up":                 charge.Hard,
		"Closed account":                          charge.Hard,
		"Invalid card number":                     charge.Hard,
		"The card is invalid.":                    charge.Hard,
		"Expired card":                            charge.Hard,
		"card has expired":                        charge.Hard,
		"Authorization revoked":                   charge.Hard,
		"Revocation of all authorisations":        charge.Hard,
		"Transaction not permitted to cardholder": charge.Hard,
		"Restricted card":                         charge.Hard,
		"Suspected fraud":                         charge.Hard,
		"Insufficient funds":                      charge.Soft,
		"Not sufficient funds":                    charge.Soft,
		"Exceeds withdrawal limit":                charge.Soft,
		"Issuer unavailable":                      charge.Soft,
		"Try again later":                         charge.Soft,
		"Do not honor":                            charge.Soft,
		"Do not honour":                           charge.Soft,
		"timeout":                                 charge.Soft,
		"declined by processing":                  charge.Unclassified,
		"information was disclosed":               charge.Unclassified,
		"an invalid amount was sent":              charge.Unclassified,
		"":                                        charge.Unclassified,
		"تم الرفض":                                charge.Unclassified,
	} {
		require.Equal(t, want, charge.ClassifyDecline(reason), "%q", reason)
	}
}

// A history that has reached MaxHistory is cut to its first line and its latest half, and
// one that is a line shorter is not.
func TestWhenAHistoryIsCut(t *testing.T) {
	t.Parallel()
	for lines, want := range map[int]int{
		charge.MaxHistory - 1: charge.MaxHistory, charge.MaxHistory: charge.MaxHistory/2 + 2, charge.MaxHistory + 9: charge.MaxHistory/2 + 2,
	} {
		standing := charge.Charge{State: charge.Unsent, Attempt: "attempt-1", CreatedAt: noon, UpdatedAt: noon}
		for i := range lines {
			standing.History = append(standing.History, charge.Entry{State: charge.Unsent, At: noon.Add(time.Duration(i))})
		}
		next := charge.Charge{State: charge.Sending, Attempt: "attempt-2", CreatedAt: noon, History: []charge.Entry{{State: charge.Sending, At: noon.Add(time.Hour)}}}
		c, may := charge.Claim(&standing, next)
		require.True(t, may)
		require.Len(t, c.History, want, "of %d lines", lines)
		require.Equal(t, standing.History[0], c.History[0])
		require.Equal(t, standing.History[lines-1], c.History[want-2])
		require.Len(t, standing.History, lines, "what stands is left alone")
	}
}
