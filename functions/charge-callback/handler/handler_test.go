package handler_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/charge-callback/handler"
	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/test/deadport"
)

func TestTheSampleIsAnsweredAsItStands(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.Equal(t, ok, h.invoke(t, sample(t)), "an order that the ledger does not know")
	require.Contains(t, h.log.String(), `"count":"callback_unknown_order"`)
	require.Zero(t, h.provider.Totals().Statuses)

	id := h.charge(t, "order-1234", "MARKED-token-pending")
	require.NoError(t, h.provider.SetStatus(id, "settled", ""))
	for range 3 {
		require.Equal(t, ok, h.invoke(t, sample(t)))
		c := h.standing(t, "order-1234")
		require.Equal(t, charge.Settled, c.State)
		require.Equal(t, charge.ByStatus, c.Said)
		require.Len(t, c.History, 3, "sending, pending, settled: a repeat adds nothing")
		h.advance(charge.HintEvery)
	}
	require.Equal(t, 3, h.provider.Counts("order-1234").Statuses)
	require.Equal(t, 1, h.provider.Counts("order-1234").Charges)
}

// Whatever the callback says, it is the provider's answer that counts.
func TestTheProvidersWordCounts(t *testing.T) {
	t.Parallel()
	says := []map[string]string{
		{},
		{"order_status": "settled", "type": "sale", "status": "success"},
		{"order_status": "declined", "status": "fail", "reason": "Lost card"},
		{"order_status": "pending", "status": "waiting"},
		{"order_status": "chargeback", "type": "chargeback", "status": "success"},
		{"order_status": "refund", "type": "refund", "status": "success"},
		{"order_status": "", "type": "", "status": ""},
	}
	for _, tt := range []struct {
		name, token string
		provider    string // what it comes to; empty: it stays
		want        charge.State
		disputed    string
	}{
		{"pending, nothing new", "MARKED-token-pending", "", charge.Pending, ""},
		{"pending, then settled", "MARKED-token-pending", "settled", charge.Settled, ""},
		{"pending, then declined", "MARKED-token-pending", "declined", charge.Declined, ""},
		{"settled, nothing new", aToken, "", charge.Settled, ""},
		{"settled, then charged back", aToken, "chargeback", charge.Reversed, ""},
		{"settled, then refunded", aToken, "refund", charge.Reversed, ""},
		{"settled, then declined", aToken, "declined", charge.Settled, "declined"},
		{"declined, nothing new", "MARKED-token-declined-lost", "", charge.Declined, ""},
		{"declined, then settled", "MARKED-token-declined-lost", "settled", charge.Settled, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id := h.charge(t, "order-1", tt.token)
			if tt.provider != "" {
				require.NoError(t, h.provider.SetStatus(id, tt.provider, ""))
			}
			for i, change := range says {
				require.Equal(t, ok, h.callback(t, form("order-1", change)), change)
				c := h.standing(t, "order-1")
				require.Equal(t, tt.want, c.State, change)
				require.Equal(t, tt.disputed, c.Disputed)
				require.Equal(t, i+1, h.provider.Counts("order-1").Statuses)
				h.advance(charge.HintEvery)
			}
			require.Equal(t, 1, h.provider.Counts("order-1").Charges, "a callback never charges")
		})
	}
}

func TestALostAnswerIsFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.NoError(t, h.provider.Script(simulator.CutAfter))
	h.charge(t, "order-1", aToken)
	require.Equal(t, charge.Unknown, h.standing(t, "order-1").State)
	require.Equal(t, ok, h.callback(t, form("order-1", map[string]string{"order_status": "declined", "status": "fail"})))
	require.Equal(t, charge.Settled, h.standing(t, "order-1").State)
}

func TestOneThatComesLateChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.charge(t, "order-1", "MARKED-token-pending")
	require.NoError(t, h.provider.SetStatus(id, "settled", ""))
	require.Equal(t, ok, h.callback(t, form("order-1", map[string]string{"order_status": "settled"})))
	before := h.standing(t, "order-1")
	h.advance(charge.HintEvery)
	require.Equal(t, ok, h.callback(t, form("order-1", map[string]string{"order_status": "pending", "status": "waiting"})))
	before.HintedAt = h.now() // all that is new
	require.Equal(t, before, h.standing(t, "order-1"))
}

func TestAForgedCallbackChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.charge(t, "order-1", "MARKED-token-pending")
	h.charge(t, "order-2", "MARKED-token-pending")
	require.NoError(t, h.provider.SetStatus(id, "settled", ""))
	before := h.standing(t, "order-1")

	genuine := form("order-1", nil)
	forgeries := map[string]url.Values{
		"another's password": form("order-1", nil),
		"no password":        form("order-1", nil),
		"zeros":              form("order-1", nil),
		"no hash":            form("order-1", nil),
		"no hex":             form("order-1", nil),
		"another order":      form("order-1", nil),
	}
	sign(forgeries["another's password"], "another")
	sign(forgeries["no password"], "")
	forgeries["zeros"].Set("hash", strings.Repeat("0", 40))
	forgeries["no hash"].Set("hash", "")
	forgeries["no hex"].Set("hash", strings.Repeat("MARKED", 7)[:40])
	forgeries["another order"].Set("order_number", "order-2")
	for _, field := range []string{"id", "order_amount", "order_currency", "order_description"} {
		forged := form("order-1", nil)
		forged.Set(field, forged.Get(field)+"0")
		forgeries["another "+field] = forged
	}
	for name, forged := range forgeries {
		told := h.callback(t, forged)
		require.Equal(t, http.StatusUnauthorized, told.Status, name)
		_, _ = told.problem(t)
		require.Equal(t, before, h.standing(t, "order-1"), name)
	}
	require.Zero(t, h.provider.Totals().Statuses, "nobody is asked")
	require.Equal(t, len(forgeries), strings.Count(h.log.String(), `"count":"callback_bad_signature"`))
	require.Equal(t, 1, h.keys.refreshes, "many forgeries make one read of the secret")

	require.Equal(t, ok, h.callback(t, genuine), "and the genuine one is taken")
	require.Equal(t, charge.Settled, h.standing(t, "order-1").State)
}

// A signature does not show the borders of what it signs: whoever has seen one
// callback can make another number of it. All it brings is a look at the truth.
func TestMovedBordersAskAndNoMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.charge(t, "order-12", "MARKED-token-pending")
	moved := form("order-1", map[string]string{"order_amount": "2.00"})
	moved.Set("order_number", "order-12")
	moved.Set("order_amount", ".00")
	require.Equal(t, ok, h.callback(t, moved))
	require.Equal(t, charge.Pending, h.standing(t, "order-12").State)
	require.Equal(t, 1, h.provider.Counts("order-12").Statuses)
}

// While a call is at it, its own answer comes first: the look is only written down.
func TestACallbackWhileSending(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	claim := charge.NewClaim(terms(t, "order-1", aToken), "attempt-1", noon, noon.Add(20*time.Second))
	_, won, err := h.store.Claim(t.Context(), claim)
	require.NoError(t, err)
	require.True(t, won)

	for range 2 {
		require.Equal(t, ok, h.callback(t, form("order-1", map[string]string{"order_status": "declined", "status": "fail"})))
		c := h.standing(t, "order-1")
		require.Equal(t, charge.Sending, c.State)
		require.Len(t, c.History, 1)
		require.Equal(t, h.now(), c.LookAt.UTC())
		h.advance(time.Second)
	}
	require.Zero(t, h.provider.Totals().Statuses)

	c, applied, err := h.store.Record(t.Context(), charge.Change{
		Number: "order-1", Attempt: "attempt-1", To: charge.Settled, Evidence: charge.ByAnswer, At: noon,
	})
	require.NoError(t, err)
	require.True(t, applied, "the call's own answer is kept")
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, h.now().Add(-time.Second), c.LookAt.UTC(), "and does not take the early look away")
}

// Contract, "Callback": many callbacks about one charge within ten seconds are one status
// request; each that is not asked about leaves its early look.
func TestManyCallbacksAreOneStatusRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.charge(t, "order-1", "MARKED-token-pending")
	genuine := form("order-1", map[string]string{"id": id})
	require.Equal(t, ok, h.callback(t, genuine))
	require.NotEqual(t, h.now(), h.standing(t, "order-1").LookAt, "it is answered, and needs no early look")
	for range 99 {
		h.advance(charge.HintEvery / 100)
		require.Equal(t, ok, h.callback(t, genuine))
	}
	require.Equal(t, 1, h.provider.Totals().Statuses)
	require.Equal(t, noon.Add(charge.HintEvery/100), h.standing(t, "order-1").LookAt.UTC())

	require.NoError(t, h.provider.SetStatus(id, "settled", ""))
	_, err := h.ledger.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, h.provider.Totals().Statuses, "the schedule asks once for all of them")
	require.Equal(t, charge.Settled, h.standing(t, "order-1").State)
	h.advance(charge.HintEvery)
	require.Equal(t, ok, h.callback(t, genuine))
	require.Equal(t, 3, h.provider.Totals().Statuses, "ten seconds later the next one is asked about")
}

// Contract, "Callback": it is answered within 3 seconds. The early look is written first,
// and the status request has two seconds, by the deadline that it is given.
func TestASlowProviderDoesNotHoldUpACallback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	slow := &slowProvider{store: h.store}
	ledger := charge.NewLedger(h.store, slow, h.now, slog.New(slog.DiscardHandler))
	h.charge(t, "order-1", aToken)
	h.function = handler.New(ledger, dineropay.NewCallbackVerifier(h.keys, h.now), slog.New(slog.DiscardHandler))
	require.Equal(t, ok, h.callback(t, form("order-1", nil)))
	require.Equal(t, 1, slow.asked)
	require.LessOrEqual(t, slow.left, 2*time.Second)
	require.True(t, slow.once, "it is not asked again and again")
	require.Equal(t, noon, slow.look, "the early look was there before the provider was asked")
	require.Equal(t, noon, h.standing(t, "order-1").LookAt.UTC(), "and stays for the schedule")
}

// slowProvider gives no answer. It notes how long it would have been waited for.
type slowProvider struct {
	charge.Provider
	store charge.Store
	asked int
	left  time.Duration
	once  bool
	look  time.Time
}

func (p *slowProvider) Status(ctx context.Context, q charge.Query) charge.StatusAnswer {
	end, _ := ctx.Deadline()
	c, _ := p.store.Get(ctx, q.Order.Number)
	p.asked, p.left, p.once, p.look = p.asked+1, time.Until(end), q.Once, c.LookAt.UTC()
	return charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
}

// The same by the clock: a provider that never answers. The time is the test's own.
func TestAHangingProviderByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := boltstore.Open(filepath.Join(t.TempDir(), "ledger.db"))
		require.NoError(t, err)
		defer func() { require.NoError(t, store.Close()) }()
		_, _, err = store.Charges().Claim(t.Context(), charge.NewClaim(terms(t, "order-1234", aToken), "attempt-1", time.Now(), time.Now()))
		require.NoError(t, err)
		time.Sleep(time.Minute) // of the test's own time: its invocation has ended
		log := slog.New(slog.DiscardHandler)
		function := handler.New(charge.NewLedger(store.Charges(), hanging{}, time.Now, log), &deadlines{}, log)
		payload, err := json.Marshal(sample(t))
		require.NoError(t, err)
		began := time.Now()
		_, err = function.Invoke(t.Context(), payload)
		require.NoError(t, err)
		require.Equal(t, charge.HintTime, time.Since(began))
	})
}

// hanging is a provider that never answers a status request.
type hanging struct{ charge.Provider }

func (hanging) Status(ctx context.Context, _ charge.Query) charge.StatusAnswer {
	<-ctx.Done()
	return charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
}

// The whole callback has less than three seconds, whatever the invocation has.
func TestACallbackHasItsOwnTime(t *testing.T) {
	t.Parallel()
	seen := &deadlines{}
	function := handler.New(seen, seen, slog.New(slog.DiscardHandler))
	payload, err := json.Marshal(sample(t))
	require.NoError(t, err)
	_, err = function.Invoke(t.Context(), payload)
	require.NoError(t, err)
	require.Len(t, seen.left, 2, "verified, and taken as a hint")
	for _, left := range seen.left {
		require.Less(t, left, 3*time.Second)
	}
}

// deadlines is a verifier and a ledger that note how much time they are given.
type deadlines struct{ left []time.Duration }

func (d *deadlines) note(ctx context.Context) {
	if end, limited := ctx.Deadline(); limited {
		d.left = append(d.left, time.Until(end))
	}
}

func (d *deadlines) Verify(ctx context.Context, _ dineropay.Callback) error { d.note(ctx); return nil }

func (d *deadlines) Hint(ctx context.Context, _, _ string) error { d.note(ctx); return nil }

// A provider that cannot be asked: the early look is written, whatever the state.
func TestAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		token string
		state charge.State
	}{
		{aToken, charge.Settled},
		{"MARKED-token-pending", charge.Pending},
		{"MARKED-token-declined-lost", charge.Declined},
	} {
		t.Run(string(tt.state), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.charge(t, "order-1", tt.token)
			require.NotEqual(t, noon, h.standing(t, "order-1").LookAt.UTC())
			h.server.Close()
			deadport.Keep(t, h.server.Listener.Addr().String())
			for range 2 {
				require.Equal(t, ok, h.callback(t, form("order-1", nil)))
				c := h.standing(t, "order-1")
				require.Equal(t, tt.state, c.State)
				require.Equal(t, h.now(), c.LookAt.UTC())
				h.advance(time.Second)
			}
		})
	}
	t.Run("it fails", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.charge(t, "order-1", aToken)
		require.NoError(t, h.provider.ScriptStatus(simulator.HTTP500, simulator.HTTP500, simulator.HTTP500))
		require.Equal(t, ok, h.callback(t, form("order-1", nil)))
		require.Equal(t, noon, h.standing(t, "order-1").LookAt.UTC())
	})
}

func TestALedgerThatIsDown(t *testing.T) {
	t.Parallel()
	requireNotNow := func(t *testing.T, told answer) {
		t.Helper()
		require.Equal(t, http.StatusServiceUnavailable, told.Status)
		require.Equal(t, "30", told.RetryAfter)
		detail, _ := told.problem(t)
		require.Contains(t, detail, "ledger")
		require.NotContains(t, told.Body, errDown.Error())
	}
	t.Run("no look can be written", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.charge(t, "order-1", aToken)
		h.store.noHint = true
		requireNotNow(t, h.callback(t, form("order-1", nil)))
		require.Zero(t, h.provider.Totals().Statuses)
	})
	t.Run("no outcome and no look can be written", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		id := h.charge(t, "order-1", "MARKED-token-pending")
		require.NoError(t, h.provider.SetStatus(id, "settled", ""))
		h.store.record, h.store.noHint = true, true
		requireNotNow(t, h.callback(t, form("order-1", nil)))
		h.store.record, h.store.noHint = false, false
		require.Equal(t, ok, h.callback(t, form("order-1", nil)), "sent again")
		require.Equal(t, charge.Settled, h.standing(t, "order-1").State)
	})
	t.Run("no look can be written and the provider is down", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.charge(t, "order-1", aToken)
		h.store.noHint = true
		h.server.Close()
		deadport.Keep(t, h.server.Listener.Addr().String())
		requireNotNow(t, h.callback(t, form("order-1", nil)))
	})
	t.Run("the look can be written though the outcome cannot", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		id := h.charge(t, "order-1", "MARKED-token-pending")
		require.NoError(t, h.provider.SetStatus(id, "settled", ""))
		h.store.record = true
		require.Equal(t, ok, h.callback(t, form("order-1", nil)))
		require.Equal(t, noon, h.standing(t, "order-1").LookAt.UTC())
	})
}

func TestAnUnknownOrder(t *testing.T) {
	t.Parallel()
	for number, shown := range map[string]bool{
		"shop-77":                  true,
		strings.Repeat("a", 255):   true,
		strings.Repeat("a", 256):   false,
		"":                         false,
		"Order #77 MARKED":         false,
		"order-1\n{\"MARKED\": 1}": false,
		"طلب-77":                   false,
	} {
		h := newHouse(t)
		h.store.noHint = !shown // what cannot be an order number is not looked up
		require.Equal(t, ok, h.callback(t, form(number, nil)), number)
		require.Contains(t, h.log.String(), `"count":"callback_unknown_order"`)
		if number != "" {
			require.Equal(t, shown, strings.Contains(h.log.String(), `"order_number":"`+number+`"`))
		}
		require.Zero(t, h.provider.Totals().Statuses)
	}
}

func TestARotatedPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.charge(t, "order-1", "MARKED-token-pending")
	require.NoError(t, h.provider.SetStatus(id, "settled", ""))
	require.NoError(t, h.provider.Rotate("MARKED-key-2", "MARKED-Password-2"))
	h.keys.rotate("MARKED-key-2", "MARKED-Password-2")
	fresh := form("order-1", nil)
	sign(fresh, "MARKED-Password-2")
	require.Equal(t, ok, h.callback(t, fresh))
	require.Equal(t, charge.Settled, h.standing(t, "order-1").State)
	require.Equal(t, 1, h.keys.refreshes)
	require.Equal(t, http.StatusUnauthorized, h.callback(t, form("order-1", nil)).Status, "the old one is worth nothing now")
}

func TestWithoutAPassword(t *testing.T) {
	t.Parallel()
	for kind, retryAfter := range map[error]string{
		secrets.ErrNoValue: "", secrets.ErrNotFound: "", secrets.ErrMalformed: "", secrets.ErrUnavailable: "30",
	} {
		h := newHouse(t)
		h.charge(t, "order-1", aToken)
		before := h.standing(t, "order-1")
		h.keys.err = &secrets.Error{ID: "DineroPaySecret", Kind: kind}
		told := h.callback(t, form("order-1", nil))
		require.Equal(t, http.StatusServiceUnavailable, told.Status)
		require.Equal(t, retryAfter, told.RetryAfter)
		detail, _ := told.problem(t)
		require.Contains(t, detail, `"DineroPaySecret"`)
		require.Equal(t, before, h.standing(t, "order-1"))
		require.Zero(t, h.provider.Totals().Statuses)
	}
}

func TestFormsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	genuine := form("order-1", nil)
	with := func(change func(url.Values)) string {
		values := url.Values{}
		for name := range genuine {
			values[name] = append([]string{}, genuine[name]...)
		}
		change(values)
		return values.Encode()
	}
	for _, tt := range []struct {
		name, body string
		status     int
		field      string
	}{
		{"too large", genuine.Encode() + "&customer_x=" + strings.Repeat("x", 65<<10), http.StatusRequestEntityTooLarge, ""},
		{"too many fields", genuine.Encode() + strings.Repeat("&x=MARKED", 100), http.StatusBadRequest, ""},
		{"repeated field", genuine.Encode() + "&order_number=MARKED", http.StatusBadRequest, "order_number"},
		{"repeated hash", genuine.Encode() + "&hash=MARKED", http.StatusBadRequest, "hash"},
		{"no hash", with(func(v url.Values) { v.Del("hash") }), http.StatusBadRequest, "hash"},
		{"no order number", with(func(v url.Values) { v.Del("order_number") }), http.StatusBadRequest, "order_number"},
		{"no status", with(func(v url.Values) { v.Del("status") }), http.StatusBadRequest, "status"},
		{"broken escape", genuine.Encode() + "&x=%MARKED", http.StatusBadRequest, ""},
		{"empty", "", http.StatusBadRequest, "id"},
		{"JSON", `{"id": "MARKED"}`, http.StatusBadRequest, "id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.charge(t, "order-1", aToken)
			before := h.standing(t, "order-1")
			told := h.body(t, tt.body)
			require.Equal(t, tt.status, told.Status)
			_, fields := told.problem(t)
			if tt.field == "" {
				require.Empty(t, fields)
			} else {
				require.Equal(t, tt.field, fields[0])
			}
			require.Equal(t, before, h.standing(t, "order-1"))
			require.Zero(t, h.provider.Totals().Statuses)
			require.Zero(t, h.keys.refreshes)
		})
	}
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, path, contentType string
		status                          int
	}{
		{"JSON", "POST", "/callbacks/dineropay", "application/json", http.StatusUnsupportedMediaType},
		{"parts", "POST", "/callbacks/dineropay", "multipart/form-data; boundary=x", http.StatusUnsupportedMediaType},
		{"no type", "POST", "/callbacks/dineropay", "", http.StatusUnsupportedMediaType},
		{"with a charset", "POST", "/callbacks/dineropay", "application/x-www-form-urlencoded; charset=UTF-8", http.StatusOK},
		{"another method", "GET", "/callbacks/dineropay", "application/x-www-form-urlencoded", http.StatusMethodNotAllowed},
		{"another path", "POST", "/callbacks/other", "application/x-www-form-urlencoded", http.StatusNotFound},
		{"more path", "POST", "/callbacks/dineropay/x", "application/x-www-form-urlencoded", http.StatusNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			event := sample(t)
			event["rawPath"] = tt.path
			event["requestContext"].(map[string]any)["http"].(map[string]any)["method"] = tt.method
			event["headers"].(map[string]any)["content-type"] = tt.contentType
			told := h.invoke(t, event)
			require.Equal(t, tt.status, told.Status)
			if tt.status != http.StatusOK {
				_, _ = told.problem(t)
			}
		})
	}
}

func TestABodyThatIsNotEncoded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.charge(t, "order-1", aToken)
	event := sample(t)
	event["body"], event["isBase64Encoded"] = form("order-1", nil).Encode(), false
	require.Equal(t, ok, h.invoke(t, event))

	event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte("x"))+"%", true
	require.Equal(t, http.StatusBadRequest, h.invoke(t, event).Status)
}

func TestManyCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.charge(t, "order-1", "MARKED-token-pending")
	require.NoError(t, h.provider.SetStatus(id, "settled", ""))
	var wg sync.WaitGroup
	answers := make([]answer, 20)
	for i := range answers {
		wg.Go(func() { answers[i] = h.callback(t, form("order-1", nil)) })
	}
	wg.Wait()
	for _, told := range answers {
		require.Equal(t, ok, told)
	}
	c := h.standing(t, "order-1")
	require.Equal(t, charge.Settled, c.State)
	require.Len(t, c.History, 3)
}
