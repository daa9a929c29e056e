package handler_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

// spoil gives a member of a stored payout another value, past the store.
func (b *bundle) spoil(t *testing.T, id, member string, value any) {
	t.Helper()
	require.NoError(t, b.file.Close())
	db, err := bbolt.Open(b.path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		record := map[string]any{}
		if err := json.Unmarshal(tx.Bucket([]byte("payouts")).Get([]byte(id)), &record); err != nil {
			return err
		}
		record[member] = value
		text, err := json.Marshal(record)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte("payouts")).Put([]byte(id), text)
	}))
	require.NoError(t, db.Close())
	b.open(t)
}

// Issue 11: "One item that cannot be read is not an outage."
func TestAnUnreadablePayoutIsNoOutage(t *testing.T) {
	for name, wrong := range map[string]struct {
		member string
		value  any
	}{
		"of a newer version":        {"state", mark + "-newer"},
		"a number typed for a text": {"last_error", 7},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			for _, id := range []string{"a", payoutID, "b"} {
				require.Equal(t, http.StatusCreated, b.call(t, http.MethodPut, "/payouts/"+id, "").StatusCode)
				b.advance(time.Second)
			}
			b.spoil(t, "a", wrong.member, wrong.value)

			for _, limit := range []int{1, 2, 3, 50} {
				var ids, unreadable []string
				for next := ""; ; {
					got := b.call(t, http.MethodGet, fmt.Sprintf("/payouts?limit=%d%s", limit, next), "")
					require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
					var page struct {
						Payouts []struct {
							ID string `json:"payment_id"`
						} `json:"payouts"`
						Unreadable []string `json:"unreadable"`
						Next       string   `json:"next_cursor"`
					}
					require.NoError(t, json.Unmarshal([]byte(got.Body), &page))
					for _, p := range page.Payouts {
						ids = append(ids, p.ID)
					}
					unreadable = append(unreadable, page.Unreadable...)
					if page.Next == "" {
						break
					}
					next = "&cursor=" + page.Next
				}
				require.Equal(t, []string{payoutID, "b"}, ids)
				require.Equal(t, []string{"a"}, unreadable)
			}
			for _, method := range []string{http.MethodGet, http.MethodPut} {
				got := b.call(t, method, "/payouts/a", "")
				require.Equal(t, http.StatusInternalServerError, got.StatusCode, got.Body)
				require.Contains(t, got.Body, "the stored payout a cannot be read")
				require.Contains(t, got.Body, "docs/runbooks/mend-an-item.md")
				require.NotContains(t, got.Headers, "Retry-After")
			}

			b.advance(3 * time.Minute)
			require.NoError(t, b.wake(t), "it does not fail for one of them")
			require.Equal(t, 1, strings.Count(b.log.String(), `"alarm":"unreadable","kind":"payout","key":"a"`), b.log.String())
			require.Equal(t, 1, b.get(t).Checks, "the others are looked at")

			require.Equal(t, http.StatusNoContent, b.call(t, http.MethodDelete, "/payouts/a", "").StatusCode)
			require.Equal(t, http.StatusCreated, b.call(t, http.MethodPut, "/payouts/a", "").StatusCode)
		})
	}
}

// Contract, HTTP API: "A cursor belongs to its list and filter: anywhere else it is 400."
func TestACursorElsewhere(t *testing.T) {
	b := newBundle(t)
	for _, id := range []string{"a", "b"} {
		require.Equal(t, http.StatusCreated, b.call(t, http.MethodPut, "/payouts/"+id, "").StatusCode)
	}
	lists := []string{"/payouts?limit=1", "/payouts?limit=1&state=processing", "/payouts?limit=1&state=failed"}
	for i, from := range lists[:2] {
		var page struct {
			Next string `json:"next_cursor"`
		}
		require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, from, "").Body), &page))
		require.NotEmpty(t, page.Next)
		for j, to := range lists {
			want := http.StatusBadRequest
			if i == j {
				want = http.StatusOK
			}
			require.Equal(t, want, b.call(t, http.MethodGet, to+"&cursor="+page.Next, "").StatusCode, "the cursor of %s at %s", from, to)
		}
	}
}
