package handler_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Contract, Subscriptions: "due_on and, beside next_charge_at, next_charge_on are the
// local dates; both are null or neither". A quarter past midnight on 1 August in Baghdad
// is 31 July in UTC.
func TestLocalDatesOfCharges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.at(time.Date(2027, 7, 20, 12, 0, 0, 0, time.UTC))
	baghdad := map[string]any{"starts_on": "2027-08-01", "charge_at": "00:15", "time_zone": "Asia/Baghdad"}
	dates := map[string]any{"next_charge_at": "2027-07-31T21:15:00.000Z", "next_charge_on": "2027-08-01"}
	requireFields(t, dates, h.put(t, "gold-42", baghdad))
	requireFields(t, dates, h.sub(t, "gold-42"))
	status, page := h.request(t, http.MethodGet, "/subscriptions", "")
	require.Equal(t, http.StatusOK, status)
	requireFields(t, dates, page["subscriptions"].([]any)[0].(map[string]any))

	// West of Greenwich it is the other way round.
	h.put(t, "silver", map[string]any{"starts_on": "2027-08-01", "charge_at": "23:45", "time_zone": "America/New_York"})
	requireFields(t, map[string]any{"next_charge_at": "2027-08-02T03:45:00.000Z", "next_charge_on": "2027-08-01"}, h.sub(t, "silver"))

	status, preview := h.request(t, http.MethodGet, "/subscriptions/gold-42/preview?count=2", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"cycles": []any{
		map[string]any{"cycle": 1., "due_at": "2027-07-31T21:15:00.000Z", "due_on": "2027-08-01", "amount": "10.00", "currency": "SAR"},
		map[string]any{"cycle": 2., "due_at": "2027-08-31T21:15:00.000Z", "due_on": "2027-09-01", "amount": "10.00", "currency": "SAR"},
	}}, preview)

	// A try after a decline has its own date.
	h.put(t, "declined", map[string]any{"starts_on": "2027-08-01", "charge_at": "00:15", "time_zone": "Asia/Baghdad",
		"recurring_token": "MARKED-declined-limit"})
	h.at(time.Date(2027, 7, 31, 21, 15, 0, 0, time.UTC))
	require.Zero(t, h.work(t))
	requireFields(t, map[string]any{"state": "past_due", "next_charge_at": "2027-08-01T21:15:00.000Z", "next_charge_on": "2027-08-02"}, h.sub(t, "declined"))

	h.do(t, "gold-42", "pause", "")
	requireFields(t, map[string]any{"next_charge_at": nil, "next_charge_on": nil}, h.sub(t, "gold-42"))
}
