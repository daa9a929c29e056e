package handler_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheShapeOfASubscription(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	status, s := h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(nil))
	require.Equal(t, http.StatusCreated, status)
	want := map[string]any{
		"id":                      "gold-42",
		"recurring_init_trans_id": "dc66cdd8-d702-11ea-9a2f-0242c0a87002",
		"token":                   "7002",
		"amount":                  "10.00",
		"currency":                "SAR",
		"description":             "gold membership",
		"every":                   map[string]any{"count": 1., "unit": "month"},
		"starts_on":               "2026-11-22",
		"charge_at":               "09:00",
		"time_zone":               "UTC",
		"cycles":                  nil,
		"ends_on":                 nil,
		"retry_after_days":        []any{1., 3., 5., 7.},
		"state":                   "active",
		"reason":                  nil,
		"cycle":                   1.,
		"attempt":                 0.,
		"next_charge_at":          "2026-11-22T09:00:00.000Z",
		"next_charge_on":          "2026-11-22",
		"last_charge":             nil,
		"created_at":              "2026-11-21T12:00:00.000Z",
		"updated_at":              "2026-11-21T12:00:00.000Z",
	}
	require.Equal(t, want, s)
	require.Equal(t, want, h.sub(t, "gold-42"))

	h.at(first)
	require.Zero(t, h.work(t))
	want["cycle"], want["updated_at"] = 2., "2026-11-22T09:00:00.000Z"
	want["next_charge_at"], want["next_charge_on"] = "2026-12-22T09:00:00.000Z", "2026-12-22"
	want["last_charge"] = map[string]any{
		"order":         map[string]any{"number": "gold-42-0001", "amount": "10.00", "currency": "SAR"},
		"state":         "settled",
		"reason":        nil,
		"decline_class": nil,
		"subscription":  map[string]any{"id": "gold-42", "cycle": 1., "attempt": 0.},
	}
	require.Equal(t, want, h.sub(t, "gold-42"))
	require.Equal(t, map[string]any{"id": "gold-42", "cycle": 1., "attempt": 0.}, h.get(t, "gold-42-0001")["subscription"])
}

func TestTheSampleOfASubscription(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	status, made := h.invoke(t, sample(t, "recurring-charge-http-subscription.json"))
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, made, h.sub(t, "gold-42"))
	require.Equal(t, "2026-12-31T06:00:00.000Z", made["next_charge_at"])
}

func TestAllThatASubscriptionCanSay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.put(t, "gold-42", map[string]any{
		"amount": "10", "every": map[string]any{"count": 2, "unit": "week"}, "starts_on": "2026-12-31", "charge_at": "00:00",
		"time_zone": "Asia/Baghdad", "cycles": 3, "ends_on": "2027-03-01", "retry_after_days": []int{},
	})
	requireFields(t, map[string]any{
		"amount": "10.00", "starts_on": "2026-12-31", "charge_at": "00:00", "time_zone": "Asia/Baghdad", "cycles": 3,
		"ends_on": "2027-03-01", "retry_after_days": []any{}, "next_charge_at": "2026-12-30T21:00:00.000Z",
	}, s)
	_, preview := h.request(t, http.MethodGet, "/subscriptions/gold-42/preview", "")
	require.Equal(t, map[string]any{"cycles": []any{
		map[string]any{"cycle": 1., "due_at": "2026-12-30T21:00:00.000Z", "due_on": "2026-12-31", "amount": "10.00", "currency": "SAR"},
		map[string]any{"cycle": 2., "due_at": "2027-01-13T21:00:00.000Z", "due_on": "2027-01-14", "amount": "10.00", "currency": "SAR"},
		map[string]any{"cycle": 3., "due_at": "2027-01-27T21:00:00.000Z", "due_on": "2027-01-28", "amount": "10.00", "currency": "SAR"},
	}}, preview)
}

func TestAPutOnWhatIsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.put(t, "gold-42", nil)
	status, again := h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(nil))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, made, again, "the same once more changes nothing")

	h.at(first)
	h.schedule(t)
	changed := h.put(t, "gold-42", map[string]any{"amount": "12.50"})
	requireFields(t, map[string]any{"amount": "12.50", "cycle": 1}, changed)
	h.deliver(t, h.queue.take()...)
	require.Equal(t, "12.50", h.get(t, "gold-42-0001")["order"].(map[string]any)["amount"], "from the next claim on")

	changed = h.put(t, "gold-42", map[string]any{"amount": "15.00"})
	require.Equal(t, "12.50", changed["last_charge"].(map[string]any)["order"].(map[string]any)["amount"], "a claim freezes the terms")
}

func TestThePreviewWritesNothingAndHasItsLimits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.put(t, "gold-42", map[string]any{"starts_on": "2027-01-31"})
	for query, want := range map[string]int{"": 12, "?count=1": 1, "?count=100": 100} {
		status, preview := h.request(t, http.MethodGet, "/subscriptions/gold-42/preview"+query, "")
		require.Equal(t, http.StatusOK, status)
		require.Len(t, preview["cycles"], want)
		require.Equal(t, "2027-01-31T09:00:00.000Z", preview["cycles"].([]any)[0].(map[string]any)["due_at"])
	}
	for _, count := range []string{"0", "101", "-1", "x", "1.5"} {
		status, problem := h.request(t, http.MethodGet, "/subscriptions/gold-42/preview?count="+count, "")
		require.Equal(t, http.StatusUnprocessableEntity, status, count)
		require.Equal(t, "count", fieldsOf(problem)[0])
	}
	require.Equal(t, before, h.sub(t, "gold-42"))
	h.do(t, "gold-42", "pause", "")
	_, preview := h.request(t, http.MethodGet, "/subscriptions/gold-42/preview", "")
	require.Equal(t, map[string]any{"cycles": []any{}}, preview, "paused: nothing will be charged")
}

func fieldsOf(problem map[string]any) (fields []string) {
	errors, _ := problem["errors"].([]any)
	for _, e := range errors {
		fields = append(fields, e.(map[string]any)["field"].(string))
	}
	return fields
}

func TestWhatASubscriptionMayNotSay(t *testing.T) {
	t.Parallel()
	every := func(count any, unit string) map[string]any { return map[string]any{"count": count, "unit": unit} }
	h := newHouse(t)
	for _, tt := range []struct {
		name   string
		change map[string]any
		status int
		field  string
	}{
		{"no token", map[string]any{"recurring_token": nil}, 422, "recurring_token"},
		{"no transaction", map[string]any{"recurring_init_trans_id": nil}, 422, "recurring_init_trans_id"},
		{"a schedule", map[string]any{"schedule_id": "57fddecf-17b9-4d38-9320-a670f0c29ec0"}, 422, "schedule_id"},
		{"an empty schedule", map[string]any{"schedule_id": ""}, 422, "schedule_id"},
		{"no amount", map[string]any{"amount": nil}, 422, "amount"},
		{"nothing", map[string]any{"amount": "0.00"}, 422, "amount"},
		{"too fine", map[string]any{"amount": "1.001"}, 422, "amount"},
		{"a number", map[string]any{"amount": 1.5}, 422, "amount"},
		{"no currency", map[string]any{"currency": nil}, 422, "currency"},
		{"a short description", map[string]any{"description": "x"}, 422, "description"},
		{"no interval", map[string]any{"every": nil}, 422, "every.count"},
		{"no count", map[string]any{"every": map[string]any{"unit": "month"}}, 422, "every.count"},
		{"half a count", map[string]any{"every": every(0.5, "month")}, 422, "every.count"},
		{"no unit", map[string]any{"every": map[string]any{"count": 1}}, 422, "every.unit"},
		{"another unit", map[string]any{"every": every(1, "fortnight")}, 422, "every.unit"},
		{"too long an interval", map[string]any{"every": every(11, "year")}, 422, "every.count"},
		{"no start", map[string]any{"starts_on": nil}, 422, "starts_on"},
		{"no such day", map[string]any{"starts_on": "2027-02-29"}, 422, "starts_on"},
		{"no such time", map[string]any{"charge_at": "24:00"}, 422, "charge_at"},
		{"an empty time", map[string]any{"charge_at": ""}, 422, "charge_at"},
		{"no such zone", map[string]any{"time_zone": "Mars/Olympus"}, 422, "time_zone"},
		{"the machine's zone", map[string]any{"time_zone": "Local"}, 422, "time_zone"},
		{"no cycles", map[string]any{"cycles": 0}, 422, "cycles"},
		{"an end that is no day", map[string]any{"ends_on": "soon"}, 422, "ends_on"},
		{"an end before the start", map[string]any{"ends_on": "2026-11-21"}, 422, "ends_on"},
		{"five tries", map[string]any{"retry_after_days": []int{1, 2, 3, 4, 5}}, 422, "retry_after_days"},
		{"a try at once", map[string]any{"retry_after_days": []int{0, 1}}, 422, "retry_after_days"},
		{"a late try", map[string]any{"retry_after_days": []int{29}}, 422, "retry_after_days"},
		{"tries that do not rise", map[string]any{"retry_after_days": []int{3, 3}}, 422, "retry_after_days"},
		{"half a day", map[string]any{"retry_after_days": []any{0.5}}, 422, "retry_after_days.0"},
		{"an unknown field", map[string]any{"interval": "month"}, 400, "interval"},
		{"a field of ours", map[string]any{"state": "active"}, 400, "state"},
	} {
		status, problem := h.request(t, http.MethodPut, "/subscriptions/gold-42", terms(tt.change))
		require.Equal(t, tt.status, status, tt.name)
		require.Contains(t, fieldsOf(problem), tt.field, tt.name)
		if tt.name != "no interval" {
			require.Len(t, fieldsOf(problem), 1, tt.name)
		}
		require.Equal(t, "application/problem+json", h.lastHeader["Content-Type"])
	}
	status, problem := h.request(t, http.MethodPut, "/subscriptions/gold-42", `{"schedule_id": "x", "cycles": -1, "ends_on": "x", "retry_after_days": [9, 1]}`)
	require.Equal(t, 422, status)
	require.Equal(t, []string{"recurring_init_trans_id", "recurring_token", "description", "currency", "amount", "schedule_id",
		"every.count", "every.unit", "starts_on", "cycles", "ends_on", "retry_after_days"}, fieldsOf(problem), "all at once")
	status, _ = h.request(t, http.MethodGet, "/subscriptions/gold-42", "")
	require.Equal(t, http.StatusNotFound, status, "nothing was written")
}

func TestIdsOfSubscriptions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	longest := strings.Repeat("a", 64)
	h.put(t, longest, nil)
	h.at(first)
	h.work(t)
	require.Equal(t, 1, h.charged(longest+"-0001"))
	for _, id := range []string{longest + "a", "gold_42", "gold%2042", "gold.42", "%D8%B0"} {
		for _, write := range []struct{ method, path, body string }{
			{"PUT", "", terms(nil)}, {"DELETE", "", ""}, {"POST", "/pause", ""}, {"POST", "/resume", ""},
		} {
			status, problem := h.request(t, write.method, "/subscriptions/"+id+write.path, write.body)
			require.Equal(t, http.StatusUnprocessableEntity, status, write.method)
			require.Equal(t, []string{"id"}, fieldsOf(problem))
		}
		for _, path := range []string{"", "/charges", "/preview"} {
			status, _ := h.request(t, http.MethodGet, "/subscriptions/"+id+path, "")
			require.Equal(t, http.StatusNotFound, status, path)
		}
	}
}

func TestASubscriptionThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "", 404}, {"DELETE", "", 404}, {"GET", "/charges", 404}, {"GET", "/preview", 404},
		{"POST", "/pause", 404}, {"POST", "/resume", 404}, {"GET", "/more", 404},
		{"POST", "", 405}, {"PATCH", "", 405}, {"GET", "/pause", 405}, {"PUT", "/resume", 405}, {"DELETE", "/charges", 405},
	} {
		status, _ := h.request(t, tt.method, "/subscriptions/gold-42"+tt.path, "")
		require.Equal(t, tt.status, status, "%s %s", tt.method, tt.path)
	}
	require.Empty(t, h.deliver(t, message("gold-42", 1, 0)), "a message about it is done with")
}

func TestBodiesOfPauseAndResume(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.put(t, "gold-42", nil)
	for _, body := range []string{"", "{}", " {} "} {
		require.Equal(t, "paused", h.do(t, "gold-42", "pause", body)["state"])
		require.Equal(t, "active", h.do(t, "gold-42", "resume", body)["state"])
	}
	for _, tt := range []struct {
		what, body string
		status     int
		field      string
	}{
		{"pause", `{"missed": "skip"}`, 400, "missed"},
		{"pause", `pause`, 400, ""},
		{"resume", `{"missed": "all"}`, 422, "missed"},
		{"resume", `{"missed": ""}`, 422, "missed"},
		{"resume", `{"missed": true}`, 422, "missed"},
		{"resume", `{"missed": null}`, 422, "missed"},
		{"resume", `{"charge": "latest"}`, 400, "charge"},
	} {
		status, problem := h.request(t, http.MethodPost, "/subscriptions/gold-42/"+tt.what, tt.body)
		require.Equal(t, tt.status, status, "%s %s", tt.what, tt.body)
		if tt.field != "" {
			require.Equal(t, []string{tt.field}, fieldsOf(problem))
		}
	}
}

func TestWhatHasEndedIsForGood(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"cancelled", "finished"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.put(t, "gold-42", map[string]any{"cycles": 1})
			if state == "finished" {
				h.at(first)
				h.work(t)
			} else {
				h.cancel(t, "gold-42")
			}
			before := h.sub(t, "gold-42")
			requireFields(t, map[string]any{"state": state, "next_charge_at": nil}, before)
			for _, tt := range []struct{ method, path, body string }{
				{"PUT", "", terms(nil)}, {"PUT", "", terms(map[string]any{"amount": "1.00"})},
				{"POST", "/pause", ""}, {"POST", "/resume", ""}, {"POST", "/resume", `{"missed": "charge_latest"}`},
			} {
				status, problem := h.request(t, tt.method, "/subscriptions/gold-42"+tt.path, tt.body)
				require.Equal(t, http.StatusConflict, status, tt.path)
				require.Contains(t, problem["detail"], state)
			}
			h.cancel(t, "gold-42") // changes nothing, and is no error
			require.Equal(t, before, h.sub(t, "gold-42"))
			h.advance(400 * 24 * time.Hour)
			h.work(t)
			require.LessOrEqual(t, h.provider.Totals().Charges, 1)
		})
	}
}

func TestTheListOfSubscriptions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var all, paused []string
	for i := range 7 {
		id := fmt.Sprintf("gold-%d", i)
		h.put(t, id, nil)
		all = append(all, id)
		if i%2 == 0 {
			h.do(t, id, "pause", "")
			paused = append(paused, id)
		}
		h.advance(time.Second)
	}
	for query, want := range map[string][]string{
		"limit=3": all, "limit=100": all, "state=paused&limit=1": paused, "state=active&limit=50": {"gold-1", "gold-3", "gold-5"}, "state=held&limit=1": nil,
	} {
		var got []string
		for next := ""; ; {
			status, page := h.request(t, http.MethodGet, "/subscriptions?"+query+next, "")
			require.Equal(t, http.StatusOK, status)
			for _, s := range page["subscriptions"].([]any) {
				got = append(got, s.(map[string]any)["id"].(string))
			}
			cursor, more := page["next_cursor"].(string)
			if !more {
				break
			}
			next = "&cursor=" + cursor
		}
		require.Equal(t, want, got, query)
	}
	status, problem := h.request(t, http.MethodGet, "/subscriptions?state=sleeping&limit=0&cursor=x", "")
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, []string{"state", "limit", "cursor"}, fieldsOf(problem))
}

func TestTheChargesOfASubscription(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.put(t, "gold-42", card("declined-insufficient"))
	h.put(t, "gold-4", nil)
	for h.at(first); h.clock().Before(first.AddDate(0, 2, 0)); h.advance(24 * time.Hour) {
		require.Zero(t, h.work(t))
		if h.clock().Equal(first.AddDate(0, 0, 5)) {
			h.put(t, "gold-42", nil)
		}
	}
	want := []string{"gold-42-0001", "gold-42-0001-r1", "gold-42-0001-r2", "gold-42-0001-r3", "gold-42-0001-r4", "gold-42-0002"}
	var got []string
	for next := ""; ; {
		status, page := h.request(t, http.MethodGet, "/subscriptions/gold-42/charges?limit=2"+next, "")
		require.Equal(t, http.StatusOK, status)
		for _, c := range page["charges"].([]any) {
			got = append(got, c.(map[string]any)["order"].(map[string]any)["number"].(string))
		}
		cursor, more := page["next_cursor"].(string)
		if !more {
			break
		}
		next = "&cursor=" + cursor
	}
	require.Equal(t, want, got)
	for _, cursor := range []string{"x", "e30", "bnVsbA"} { // {} and null
		status, problem := h.request(t, http.MethodGet, "/subscriptions/gold-42/charges?limit=x&cursor="+cursor, "")
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Equal(t, []string{"limit", "cursor"}, fieldsOf(problem))
	}
	require.True(t, slices.IsSorted(got))
}
