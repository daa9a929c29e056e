package aws_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
	"dinarfunctions/test/internal/sample"
	"dinarfunctions/test/internal/stack"
	"dinarfunctions/test/lambdaruntime"
)

// top is the repository, seen from here.
const top = "../.."

func needsEmulators(t *testing.T) {
	t.Helper()
	if missing := stack.Missing(); missing != "" {
		t.Skip(missing)
	}
}

// start stands the template up. With secrets, they have their values.
func start(t *testing.T, secrets bool) *stack.Stack {
	t.Helper()
	needsEmulators(t)
	s, err := stack.Start(t.Context(), filepath.Join(top, "template.yaml"), stack.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	if secrets {
		require.NoError(t, s.SetSecrets(t.Context()))
	}
	return s
}

// function is one that runs as its template says.
type function struct {
	*lambdaruntime.Instance
	timeout time.Duration
}

// run starts a function of the stack with exactly the template's environment, but
// for the given changes.
func run(t *testing.T, s *stack.Stack, id string, changes map[string]string) function {
	t.Helper()
	f, err := s.Function(id)
	require.NoError(t, err)
	env, err := s.Environment(f)
	require.NoError(t, err)
	for name, value := range changes {
		require.Contains(t, env, name, "the template does not set it")
		env[name] = value
	}
	bootstrap := lambdaruntime.Build(t, filepath.Base(f.Folder))
	var instance *lambdaruntime.Instance
	// After the function's own end, when all that it wrote has arrived.
	t.Cleanup(func() {
		if instance != nil {
			require.False(t, stack.ShowsSecrets(instance.Log()), "%s", instance.Log())
		}
	})
	instance = lambdaruntime.Start(t, bootstrap, env)
	return function{instance, time.Duration(f.Properties.Number("Timeout")) * time.Second}
}

// answer is an answer for API Gateway, payload format 2.0.
type answer struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

func (f function) ask(t *testing.T, payload []byte) answer {
	t.Helper()
	result, err := f.Invoke(t.Context(), payload, f.timeout)
	require.NoError(t, err)
	require.False(t, result.Failed || result.Gone, "%s\n%s", result.Payload, f.Log())
	var got answer
	require.NoError(t, json.Unmarshal(result.Payload, &got))
	require.False(t, stack.ShowsSecrets(string(result.Payload)), "%s", result.Payload)
	return got
}

func event(t *testing.T, file string) []byte {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join(top, "events", file))
	require.NoError(t, err)
	return payload
}

func TestTheSamplesAreAnswered(t *testing.T) {
	t.Parallel()
	for _, each := range sample.All() {
		t.Run(each.File, func(t *testing.T) {
			t.Parallel()
			s := start(t, true)
			if each.Prepare != nil {
				require.NoError(t, each.Prepare(t.Context(), s))
			}
			f := run(t, s, each.Function, nil)
			result, err := f.Invoke(t.Context(), event(t, each.File), f.timeout)
			require.NoError(t, err)
			require.NoError(t, each.Check(result.Payload), "its log:\n%s", f.Log())
			if each.Verify != nil {
				require.NoError(t, each.Verify(t.Context(), s))
			}
			require.False(t, stack.ShowsSecrets(string(result.Payload)))

			f.Kill() // so that all it wrote has arrived
			lines := strings.Split(strings.TrimSpace(f.Log()), "\n")
			for _, line := range lines {
				var told map[string]any
				require.NoError(t, json.Unmarshal([]byte(line), &told), "a log line that is not JSON: %s", line)
				require.Equal(t, "dev", told["version"], line)
				require.NotEmpty(t, told["requestId"], line)
			}
		})
	}
}

// Contract, Settings: until an operator has set it, a call answers 503 with the
// name of the secret. What he sets works with the next call.
func TestASecretWithoutAValue(t *testing.T) {
	t.Parallel()
	for id, c := range map[string]struct{ secret, event string }{
		"PayoutStatus":    {"DinarDragonSecret", "payout-status-http.json"},
		"RecurringCharge": {"DineroPaySecret", "recurring-charge-http.json"},
		"ChargeCallback":  {"DineroPaySecret", "charge-callback-http.json"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := start(t, false)
			require.NoError(t, sample.All()[0].Prepare(t.Context(), s))
			f := run(t, s, id, nil)
			got := f.ask(t, event(t, c.event))
			require.Equal(t, 503, got.Status, got.Body)
			require.Contains(t, got.Body, s.Ref(c.secret))
			require.Contains(t, got.Body, "no value yet")
			require.Zero(t, s.DineroPay.Totals())
			require.Zero(t, s.DinarDragon.Counts())

			require.NoError(t, s.SetSecrets(t.Context()))
			got = f.ask(t, event(t, c.event))
			require.Equal(t, 200, got.Status, got.Body)
		})
	}
}

// A value that is changed while functions run is taken up as soon as the provider
// refuses the old one, and the charge goes out once.
func TestASecretThatIsRotated(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	require.NoError(t, sample.All()[0].Prepare(t.Context(), s))
	payouts, charges := run(t, s, "PayoutStatus", nil), run(t, s, "RecurringCharge", nil)
	require.Equal(t, 200, payouts.ask(t, event(t, "payout-status-http.json")).Status)
	require.Equal(t, 200, charges.ask(t, order(t, "before-1")).Status)

	const key, merchant, password = "MARKED-private-key-new", "MARKED-merchant-key-new", "MARKED-merchant-password-new"
	require.NoError(t, s.DinarDragon.Rotate(key))
	require.NoError(t, s.DineroPay.Rotate(merchant, password))
	// The provider first: meanwhile the old value is refused, and no new one is there.
	require.Equal(t, 503, payouts.ask(t, event(t, "payout-status-http.json")).Status)
	require.Equal(t, 503, charges.ask(t, order(t, "meanwhile-1")).Status)

	require.NoError(t, s.SetSecret(t.Context(), "DinarDragonSecret", `{"private_key": "`+key+`"}`))
	require.NoError(t, s.SetSecret(t.Context(), "DineroPaySecret", `{"merchant_key": "`+merchant+`", "merchant_password": "`+password+`"}`))
	require.Equal(t, 200, payouts.ask(t, event(t, "payout-status-http.json")).Status)
	require.Equal(t, 200, charges.ask(t, order(t, "meanwhile-1")).Status)
	require.Equal(t, 1, s.DineroPay.Counts("before-1").Charged)
	require.Equal(t, 1, s.DineroPay.Counts("meanwhile-1").Charged)
}

// A throttled Secrets Manager is 503 for a function that has just started, with
// nothing sent; one that has read the value goes on with it.
func TestSecretsManagerThatThrottles(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	var throttled atomic.Bool
	target, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	require.NoError(t, err)
	emulator := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if throttled.Load() {
			w.Header().Set("X-Amzn-ErrorType", "ThrottlingException")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type": "ThrottlingException", "message": "Rate exceeded"}`))
			return
		}
		emulator.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	// A value is asked for again each time.
	changes := map[string]string{"AWS_ENDPOINT_URL": proxy.URL, "SECRET_TTL": "1ns"}

	old := run(t, s, "RecurringCharge", changes)
	require.Equal(t, 200, old.ask(t, order(t, "before-1")).Status)
	throttled.Store(true)
	require.Equal(t, 200, old.ask(t, order(t, "old-1")).Status)

	fresh := run(t, s, "RecurringCharge", changes)
	got := fresh.ask(t, order(t, "fresh-1"))
	require.Equal(t, 503, got.Status, got.Body)
	require.Contains(t, got.Body, s.Ref("DineroPaySecret"))
	require.NotEmpty(t, got.Headers["Retry-After"]+got.Headers["retry-after"])
	require.Zero(t, s.DineroPay.Counts("fresh-1"))
	throttled.Store(false)
	require.Equal(t, 200, fresh.ask(t, order(t, "fresh-1")).Status)
	require.Equal(t, 1, s.DineroPay.Counts("fresh-1").Charges)
}

// Issue "SAM stack": a table that is throttled or out of reach gives 503 before
// the provider is called, and never after.
func TestALedgerThatCannotBeReached(t *testing.T) {
	t.Parallel()
	const (
		before = iota // the claim cannot be written
		after         // the outcome cannot be written
	)
	for name, when := range map[string]int{"before the provider": before, "after the provider": after} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, true)
			target, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"))
			require.NoError(t, err)
			emulator := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if when == before || s.DineroPay.Counts("order-1234").Charges > 0 {
					w.Header().Set("X-Amzn-ErrorType", "ProvisionedThroughputExceededException")
					w.WriteHeader(http.StatusBadRequest)
					_, _ = w.Write([]byte(`{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "Slow down"}`))
					return
				}
				emulator.ServeHTTP(w, r)
			}))
			t.Cleanup(proxy.Close)
			f := run(t, s, "RecurringCharge", map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": proxy.URL})
			// What is left of an invocation goes into writing the outcome; a shorter one
			// is as good.
			f.timeout = 10 * time.Second
			got := f.ask(t, event(t, "recurring-charge-http.json"))
			switch when {
			case before:
				require.Equal(t, 503, got.Status, got.Body)
				require.Zero(t, s.DineroPay.Totals())
			case after:
				require.Less(t, got.Status, 500, "a caller would send it again: %s", got.Body)
				require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1}, s.DineroPay.Counts("order-1234"))
			}
		})
	}
}

// Contract, Charges: while a charge is open, who asks for it has the provider asked
// first. Nothing is sent again.
func TestALostChargeIsFoundOutByAsking(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	f := run(t, s, "RecurringCharge", nil)
	require.NoError(t, s.DineroPay.Script(dineropay.CutAfter))
	got := f.charge(t, order(t, "order-1"))
	require.Equal(t, 202, got.Status)
	require.Equal(t, "unknown", got.State)

	// A provider that is down leaves it as it is.
	require.NoError(t, s.DineroPay.ScriptStatus(dineropay.HTTP404))
	got = f.charge(t, look(t, "order-1"))
	require.Equal(t, 200, got.Status)
	require.Equal(t, "unknown", got.State)

	got = f.charge(t, look(t, "order-1"))
	require.Equal(t, 200, got.Status)
	require.Equal(t, "settled", got.State)
	require.Equal(t, "status", got.learntBy())
	require.Equal(t, 200, f.charge(t, order(t, "order-1")).Status)
	require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1, Statuses: 2}, s.DineroPay.Counts("order-1"))
}

// Contract, Charges: the switch is in force for every process, without a deployment.
func TestTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	operator := run(t, s, "RecurringCharge", nil)
	require.Equal(t, 200, operator.charge(t, order(t, "before-1")).Status)
	set := func(body string) answer { return operator.ask(t, request(t, http.MethodPut, "/charging", body)) }
	got := set(`{"mode": "stopped", "note": "a rehearsal"}`)
	require.Equal(t, 200, got.Status, got.Body)

	other := run(t, s, "RecurringCharge", nil)
	for _, f := range []function{operator, other} {
		got := f.ask(t, request(t, http.MethodGet, "/charging", ""))
		require.Equal(t, 200, got.Status, got.Body)
		require.Contains(t, got.Body, `"mode":"stopped"`)
		require.Equal(t, 503, f.ask(t, order(t, "meanwhile-1")).Status)
		require.Equal(t, 404, f.ask(t, look(t, "meanwhile-1")).Status, "it was recorded")
		require.Equal(t, 200, f.charge(t, order(t, "before-1")).Status, "a repeat still answers its charge")
	}
	require.Zero(t, s.DineroPay.Counts("meanwhile-1"))
	require.Equal(t, 1, s.DineroPay.Counts("before-1").Charges)

	require.Equal(t, 200, set(`{"mode": "live"}`).Status)
	require.Equal(t, 200, operator.charge(t, order(t, "meanwhile-1")).Status)
	require.Equal(t, 1, s.DineroPay.Counts("meanwhile-1").Charges)
}

// Contract, Charges: an operator finds what is open, and says what became of it.
func TestAnOperatorsWord(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	f := run(t, s, "RecurringCharge", nil)
	// It has not reached the provider's books, which proves nothing.
	require.NoError(t, s.DineroPay.Script(dineropay.CutBefore))
	require.Equal(t, "unknown", f.charge(t, order(t, "order-1")).State)
	require.Equal(t, "unknown", f.charge(t, look(t, "order-1")).State)

	open := func() []shown {
		got := f.ask(t, request(t, http.MethodGet, "/charges", ""))
		require.Equal(t, 200, got.Status, got.Body)
		var page struct {
			Charges []shown `json:"charges"`
		}
		require.NoError(t, json.Unmarshal([]byte(got.Body), &page))
		return page.Charges
	}
	require.Len(t, open(), 1)
	got := f.charge(t, request(t, http.MethodPut, "/charges/order-1/resolution", `{"outcome": "not_charged", "note": "not in the panel"}`))
	require.Equal(t, 200, got.Status)
	require.Equal(t, "declined", got.State)
	require.Equal(t, "operator", got.learntBy())
	require.Empty(t, open())
	require.Equal(t, 402, f.charge(t, order(t, "order-1")).Status)
	require.Equal(t, dineropay.Counts{Charges: 1, Statuses: 1}, s.DineroPay.Counts("order-1"))
}

// Contract, Callback: what the provider did not sign changes nothing.
func TestACallbackThatNobodySigned(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	require.NoError(t, s.DineroPay.Script(dineropay.CutAfter))
	charges := run(t, s, "RecurringCharge", nil)
	require.Equal(t, "unknown", charges.charge(t, order(t, "order-1234")).State)

	var forged map[string]any
	require.NoError(t, json.Unmarshal(event(t, "charge-callback-http.json"), &forged))
	form, err := base64.StdEncoding.DecodeString(forged["body"].(string))
	require.NoError(t, err)
	values, err := url.ParseQuery(string(form))
	require.NoError(t, err)
	values.Set("order_amount", "2.00")
	forged["body"] = base64.StdEncoding.EncodeToString([]byte(values.Encode()))
	payload, err := json.Marshal(forged)
	require.NoError(t, err)

	callbacks := run(t, s, "ChargeCallback", nil)
	got := callbacks.ask(t, payload)
	require.Equal(t, 401, got.Status, got.Body)
	require.Zero(t, s.DineroPay.Counts("order-1234").Statuses)
	c, err := s.Ledger().Get(t.Context(), "order-1234")
	require.NoError(t, err)
	require.Equal(t, charge.Unknown, c.State)
	callbacks.Kill() // so that all it wrote has arrived
	require.Contains(t, callbacks.Log(), `"count":"callback_bad_signature"`)
}

// request is the sample of a charge made another request.
func request(t *testing.T, method, path, body string) []byte {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal(event(t, "recurring-charge-http.json"), &e))
	e["rawPath"], e["body"] = path, body
	if body == "" {
		delete(e, "body")
	}
	line, ok := e["requestContext"].(map[string]any)["http"].(map[string]any)
	require.True(t, ok)
	line["method"], line["path"] = method, path
	payload, err := json.Marshal(e)
	require.NoError(t, err)
	return payload
}

// order is the sample of a charge under another number.
func order(t *testing.T, number string) []byte {
	t.Helper()
	payload := string(event(t, "recurring-charge-http.json"))
	require.Contains(t, payload, "order-1234")
	return []byte(strings.ReplaceAll(payload, "order-1234", number))
}
