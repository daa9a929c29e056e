package subscription_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/subscription"
)

// Contract, Subscriptions: "Terms under which nothing would ever be charged (ends_on
// before the first cycle) and a starts_on more than ten years ahead are 422, and no id is
// used up."
func TestWhatASubscriptionMayNotSay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		now                                  string
		startsOn, chargeAt, timeZone, endsOn string
		field                                string // at fault in a new one, "" for none
		message                              string
		alsoAChange                          bool // a change of one that is there may not say so either
	}{
		"no end":                           {"2027-01-01 00:00", "2027-01-31", "09:00", "UTC", "", "", "", false},
		"an end on the first day":          {"2027-01-01 00:00", "2027-01-31", "09:00", "UTC", "2027-01-31", "", "", false},
		"an end before it":                 {"2027-01-01 00:00", "2027-01-31", "09:00", "UTC", "2027-01-30", "ends_on", "must not be before the first cycle, which falls on 2027-01-31: nothing would ever be charged", false},
		"an end in the past":               {"2027-03-05 00:00", "2027-01-31", "09:00", "UTC", "2027-02-28", "ends_on", "must not be before the first cycle, which falls on 2027-03-31: nothing would ever be charged", false},
		"an end today, to come":            {"2027-02-28 09:00", "2027-01-31", "09:00", "UTC", "2027-02-28", "", "", false},
		"an end today, passed":             {"2027-02-28 09:01", "2027-01-31", "09:00", "UTC", "2027-02-28", "ends_on", "must not be before the first cycle, which falls on 2027-03-31: nothing would ever be charged", false},
		"an end there, another day here":   {"2027-01-30 21:15", "2027-01-31", "00:15", "Asia/Baghdad", "2027-01-31", "", "", false},
		"a day that was left out, the end": {"2011-12-01 00:00", "2011-12-30", "09:00", "Pacific/Apia", "2011-12-30", "ends_on", "must not be before the first cycle, which falls on 2011-12-31: nothing would ever be charged", false},
		"a day that was left out":          {"2011-12-01 00:00", "2011-12-30", "09:00", "Pacific/Apia", "2011-12-31", "", "", false},
		"ten years ahead":                  {"2027-01-01 00:00", "2037-01-01", "09:00", "UTC", "", "", "", false},
		"ten years ahead, and a day":       {"2027-01-01 00:00", "2037-01-02", "09:00", "UTC", "", "starts_on", "must be at most 10 years ahead, so not after 2037-01-01", true},
		"ten years ahead of a 29 February": {"2028-02-29 00:00", "2038-02-28", "09:00", "UTC", "", "", "", false},
		"and a day":                        {"2028-02-29 00:00", "2038-03-01", "09:00", "UTC", "", "starts_on", "must be at most 10 years ahead, so not after 2038-02-28", true},
		"ten years ahead of the day there": {"2027-01-01 21:00", "2037-01-02", "09:00", "Asia/Baghdad", "", "", "", false},
		"a slip of the pen":                {"2027-01-01 00:00", "2927-01-31", "09:00", "UTC", "2927-12-31", "starts_on", "must be at most 10 years ahead, so not after 2037-01-01", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			terms, now := monthly(t), at(t, tt.now)
			clock, err := calendar.ParseClock(tt.chargeAt)
			require.NoError(t, err)
			terms.Calendar.StartsOn, terms.Calendar.ChargeAt, terms.Calendar.TimeZone = day(t, tt.startsOn), clock, tt.timeZone
			if tt.endsOn != "" {
				terms.EndsOn = day(t, tt.endsOn)
			}
			err = terms.CheckNew(now)
			if tt.field == "" {
				require.NoError(t, err)
				require.NoError(t, terms.Check(now))
				require.Equal(t, subscription.Active, subscription.New("gold-42", terms, now).State)
				return
			}
			var invalid *subscription.TermsError
			require.ErrorAs(t, err, &invalid)
			require.Len(t, invalid.Faults, 1)
			require.Equal(t, tt.field, invalid.Faults[0].Field)
			require.Equal(t, tt.message, invalid.Faults[0].Message)
			require.EqualError(t, err, "the subscription's terms are not acceptable: "+tt.field+" "+tt.message)
			require.Equal(t, tt.alsoAChange, terms.Check(now) != nil)
		})
	}
}

// What is refused writes nothing. A change of a subscription that is there may end it, and
// may not start in the far future.
func TestPutRefusesTermsThatChargeNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ended := monthly(t)
	ended.EndsOn = day(t, "2027-01-30")
	far := monthly(t)
	far.Calendar.StartsOn = day(t, "2927-01-31")
	for _, terms := range []subscription.Terms{ended, far} {
		var invalid *subscription.TermsError
		_, created, err := h.Put(t.Context(), "silver", terms)
		require.ErrorAs(t, err, &invalid)
		require.False(t, created)
		_, err = h.Find(t.Context(), "silver")
		require.ErrorIs(t, err, subscription.ErrNotFound)
	}
	_, created, err := h.Put(t.Context(), "silver", monthly(t))
	require.NoError(t, err)
	require.True(t, created, "the id was not used up")

	before, err := h.Find(t.Context(), "gold-42")
	require.NoError(t, err)
	var invalid *subscription.TermsError
	_, _, err = h.Put(t.Context(), "gold-42", far)
	require.ErrorAs(t, err, &invalid)
	same, err := h.Find(t.Context(), "gold-42")
	require.NoError(t, err)
	require.Equal(t, before, same)
	finished, created, err := h.Put(t.Context(), "gold-42", ended)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, subscription.Finished, finished.State)
}
