package handler_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
)

// Weeks of a subscription with whatever can happen, by chance: faults of the
// provider, messages that come twice or late, outages, and a merchant who changes his
// mind. No cycle is paid twice, and it always goes on once the trouble is over.
func TestWeeksOfTrouble(t *testing.T) {
	t.Parallel()
	faults := []simulator.Fault{
		simulator.CutBefore, simulator.CutAfter, simulator.HTTP404, simulator.HTTP429, simulator.HTTP500Charged,
		simulator.HashRefused, simulator.NumberRefused, simulator.HTMLPage, simulator.OtherAmount,
	}
	cards := []string{"fine", "fine", "fine", "declined-limit", "declined-stolen", "declined", "pending"}
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			chance := rand.New(rand.NewPCG(seed, 7))
			h := newHouse(t)
			weekly := func(name string) map[string]any {
				change := card(name)
				change["every"] = map[string]any{"count": 1, "unit": "week"}
				return change
			}
			h.put(t, "gold-42", weekly("fine"))
			var story []string
			for range 150 {
				h.advance(time.Duration(chance.IntN(12*60)) * time.Minute)
				what := chance.IntN(20)
				switch what {
				case 0:
					h.advance(time.Duration(chance.IntN(6*24)) * time.Hour) // an outage
				case 1:
					h.do(t, "gold-42", "pause", "")
				case 2, 3:
					h.do(t, "gold-42", "resume", `{"missed": "skip"}`)
				case 4, 5:
					h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`)
				case 6, 7:
					h.put(t, "gold-42", weekly(cards[chance.IntN(len(cards))]))
				case 8, 9:
					require.NoError(t, h.provider.Script(faults[chance.IntN(len(faults))]))
				case 10:
					require.NoError(t, h.provider.ScriptStatus(simulator.NotKnown))
				case 11:
					for _, transaction := range h.provider.Transactions() {
						if transaction.Status == "pending" {
							word := []string{"settled", "declined"}[chance.IntN(2)]
							require.NoError(t, h.provider.SetStatus(transaction.PaymentID, word, "Insufficient funds"))
						}
					}
				}
				h.schedule(t)
				messages := h.queue.take()
				if what == 12 { // comes twice
					messages = append(messages, messages...)
				}
				if what != 13 && len(messages) > 0 { // 13: they get lost
					h.deliver(t, messages...)
				}
				s := h.sub(t, "gold-42")
				story = append(story, fmt.Sprint(h.clock().Format("01-02 15:04 "), what, " ", s["state"], " ", s["cycle"], ".", s["attempt"], " ", s["reason"]))
			}
			requirePaidOnce(t, h, story)

			// The trouble is over.
			request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, h.server.URL+"/sandbox/faults", nil)
			require.NoError(t, err)
			answer, err := h.server.Client().Do(request)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			for _, transaction := range h.provider.Transactions() {
				if transaction.Status == "pending" {
					require.NoError(t, h.provider.SetStatus(transaction.PaymentID, "settled", ""))
				}
			}
			status, open := h.request(t, http.MethodGet, "/charges?state=unknown", "")
			require.Equal(t, http.StatusOK, status)
			for _, c := range open["charges"].([]any) {
				number := c.(map[string]any)["order"].(map[string]any)["number"].(string)
				status, _ := h.request(t, http.MethodPut, "/charges/"+number+"/resolution", `{"outcome": "not_charged", "note": "not in the panel"}`)
				require.Contains(t, []int{http.StatusOK, http.StatusConflict}, status)
			}
			h.put(t, "gold-42", weekly("fine"))
			h.advance(10 * 24 * time.Hour)
			h.work(t)
			h.do(t, "gold-42", "resume", `{"missed": "skip"}`)
			h.advance(time.Hour)
			h.work(t)
			h.do(t, "gold-42", "resume", `{"missed": "skip"}`)
			before := h.provider.Totals().Charges
			for range 21 * 4 {
				h.advance(6 * time.Hour)
				h.work(t)
			}
			s := h.sub(t, "gold-42")
			require.Equal(t, "active", s["state"], "%v\n%s", s, strings.Join(story, "\n"))
			require.GreaterOrEqual(t, h.provider.Totals().Charges, before+2, "%v\n%s", s, strings.Join(story, "\n"))
			requirePaidOnce(t, h, story)
		})
	}
}

func requirePaidOnce(t *testing.T, h *house, story []string) {
	t.Helper()
	paid := map[string]string{}
	for _, transaction := range h.provider.Transactions() {
		if !transaction.Charged {
			continue
		}
		number := transaction.Order.Number
		cycle, _, _ := strings.Cut(number, "-r")
		require.Empty(t, paid[cycle], "%s is paid, and %s as well\n%s", paid[cycle], number, strings.Join(story, "\n"))
		paid[cycle] = number
	}
}
