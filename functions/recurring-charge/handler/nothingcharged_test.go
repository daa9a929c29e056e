package handler_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Contract, Subscriptions: "Terms under which nothing would ever be charged (ends_on
// before the first cycle) and a starts_on more than ten years ahead are 422, and no id is
// used up." It is noon on 21 November 2026.
func TestTermsUnderWhichNothingWouldBeChargedUseUpNoID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change map[string]any
		field  string // "" where it is made
	}{
		{"an end in the past", map[string]any{"starts_on": "2026-01-05", "ends_on": "2026-10-31"}, "ends_on"},
		{"an end yesterday", map[string]any{"starts_on": "2026-01-20", "ends_on": "2026-11-20"}, "ends_on"},
		{"an end before the first cycle, by the anchor", map[string]any{"starts_on": "2026-01-31", "ends_on": "2026-11-29"}, "ends_on"},
		{"an end on the first cycle's day", map[string]any{"starts_on": "2026-01-31", "ends_on": "2026-11-30"}, ""},
		{"today's time has passed, and today is the last day", map[string]any{"starts_on": "2026-11-21", "ends_on": "2026-11-21"}, "ends_on"},
		{"today's time has passed, and the end is before the next cycle", map[string]any{"starts_on": "2026-11-21", "ends_on": "2026-12-20"}, "ends_on"},
		{"today's time is to come, and today is the last day", map[string]any{"starts_on": "2026-11-21", "charge_at": "12:00", "ends_on": "2026-11-21"}, ""},
		{"one cycle, behind the end", map[string]any{"starts_on": "2026-11-20", "cycles": 1, "ends_on": "2026-12-01"}, "ends_on"},
		{"ten years and a day ahead", map[string]any{"starts_on": "2036-11-22"}, "starts_on"},
		{"the year 2927", map[string]any{"starts_on": "2927-01-31"}, "starts_on"},
		{"ten years ahead", map[string]any{"starts_on": "2036-11-21"}, ""},
		{"ten years ahead by the clocks there", map[string]any{"starts_on": "2036-11-22", "time_zone": "Pacific/Kiritimati"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			status, answer := h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(tt.change))
			if tt.field == "" {
				require.Equal(t, http.StatusCreated, status)
				require.Equal(t, "active", answer["state"])
				return
			}
			require.Equal(t, http.StatusUnprocessableEntity, status)
			require.Equal(t, []string{tt.field}, fieldsOf(answer))
			status, _ = h.request(t, http.MethodGet, "/subscriptions/gold-42", "")
			require.Equal(t, http.StatusNotFound, status)
			status, _ = h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(nil))
			require.Equal(t, http.StatusCreated, status, "the id was not used up")
		})
	}
}

// On a subscription that is there, an end in the past says that it ends now. A start in
// the far future is a slip of the pen there as well.
func TestAChangeMayEndASubscription(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.put(t, "gold-42", nil)
	h.at(first)
	require.Zero(t, h.work(t))
	h.advance(24 * time.Hour)
	before := h.sub(t, "gold-42")
	status, problem := h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(map[string]any{"starts_on": "2927-01-31"}))
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, []string{"starts_on"}, fieldsOf(problem))
	require.Equal(t, before, h.sub(t, "gold-42"))

	requireFields(t, map[string]any{"state": "finished"}, h.put(t, "gold-42", map[string]any{"ends_on": "2026-11-22"}))
	status, _ = h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(nil))
	require.Equal(t, http.StatusConflict, status)
}

// Contract, Subscriptions: "A starts_on in the past only anchors: the first cycle is the
// first instant not before now." So one of today whose time of day has passed is first
// charged a whole interval later.
func TestAStartTodayWhoseTimeHasPassed(t *testing.T) {
	t.Parallel()
	h := newHouse(t) // at noon
	passed := h.put(t, "passed", map[string]any{"starts_on": "2026-11-21", "charge_at": "11:59"})
	requireFields(t, map[string]any{"cycle": 1, "next_charge_on": "2026-12-21"}, passed)
	now := h.put(t, "now", map[string]any{"starts_on": "2026-11-21", "charge_at": "12:00"})
	requireFields(t, map[string]any{"cycle": 1, "next_charge_on": "2026-11-21"}, now)
}

// Contract, Charges: "recurring_init_trans_id and schedule_id are UUIDs, checked here", and
// "where ISO 4217 gives a currency no decimals and the wire wants two (JPY, KRW, UGX, CLP),
// only a whole amount is taken (80, 80.0, 80.00)". A subscription that could not be charged
// at its first cycle is refused as a charge would be.
func TestWhatNoCycleCouldBeChargedWith(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, tt := range []struct {
		change map[string]any
		field  string
	}{
		{map[string]any{"recurring_init_trans_id": "abc"}, "recurring_init_trans_id"},
		{map[string]any{"recurring_init_trans_id": "dc66cdd8d70211ea9a2f0242c0a87002"}, "recurring_init_trans_id"},
		{map[string]any{"currency": "JPY", "amount": "80.5"}, "amount"},
		{map[string]any{"currency": "KRW", "amount": "80.50"}, "amount"},
		{map[string]any{"currency": "UGX", "amount": "0.01"}, "amount"},
		{map[string]any{"currency": "CLP", "amount": "80.99"}, "amount"},
	} {
		status, problem := h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(tt.change))
		require.Equal(t, http.StatusUnprocessableEntity, status, "%v", tt.change)
		require.Equal(t, []string{tt.field}, fieldsOf(problem), "%v", tt.change)
	}
	status, _ := h.request(t, http.MethodGet, "/subscriptions/gold-42", "")
	require.Equal(t, http.StatusNotFound, status, "nothing was written")
	for _, amount := range []string{"80", "80.0", "80.00"} {
		h.put(t, "gold-42", map[string]any{"currency": "JPY", "amount": amount})
		requireFields(t, map[string]any{"amount": "80.00", "currency": "JPY"}, h.sub(t, "gold-42"))
	}
}
