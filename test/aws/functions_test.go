package aws_test

import (
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
				require.NoError(t, each.Verify(s))
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

// order is the sample of a charge under another number.
func order(t *testing.T, number string) []byte {
	t.Helper()
	payload := string(event(t, "recurring-charge-http.json"))
	require.Contains(t, payload, "order-1234")
	return []byte(strings.ReplaceAll(payload, "order-1234", number))
}
