package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/recurring-charge/handler"
	"dinarfunctions/sandbox/gateway"
	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
)

// keys are the provider's, which never change here.
type keys struct{}

func (keys) Get(context.Context) (dineropay.Credentials, error) {
	return dineropay.Credentials{MerchantKey: hidden.New("merchant-key-1"), Password: hidden.New("Password-1")}, nil
}

func (k keys) Refresh(ctx context.Context) (dineropay.Credentials, error) { return k.Get(ctx) }

// The command against the function itself, as the sandbox runs it.
func TestAgainstTheFunction(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return noon }
	provider, err := simulator.New(simulator.Options{MerchantKey: "merchant-key-1", MerchantPassword: "Password-1", Now: clock})
	require.NoError(t, err)
	providerServer := httptest.NewServer(provider)
	t.Cleanup(providerServer.Close)
	base, err := url.Parse(providerServer.URL)
	require.NoError(t, err)
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	ledger := charge.NewLedger(store.Charges(), dineropay.New(base, keys{}, dineropay.Options{Log: log}), clock, log)
	function := handler.New(ledger, subscription.NewBiller(store.Subscriptions(), ledger, nil, clock, log), log)
	api := httptest.NewServer(gateway.Gateway{"charges": function, "charging": function})
	t.Cleanup(api.Close)

	run := func(args ...string) (string, error) {
		var stdout, stderr bytes.Buffer
		p := program{
			stdout: &stdout, stderr: &stderr, transport: http.DefaultTransport, now: clock,
			config: func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) {
				panic("the sandbox needs no account")
			},
		}
		err := p.run(t.Context(), append([]string{"-api", api.URL}, args...))
		return stdout.String(), err
	}
	post := func(number string) int {
		response, err := http.Post(api.URL+"/charges", "application/json", strings.NewReader(
			`{"recurring_init_trans_id": "dc66cdd8-d702-11ea-9a2f-0242c0a87002", "recurring_token": "9a2f-0242c0a87002",
			"order": {"number": "`+number+`", "amount": "1.00", "currency": "SAR", "description": "gift"}}`))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}

	out, err := run()
	require.NoError(t, err)
	require.Contains(t, out, "Charging is live")
	require.Contains(t, out, "never set")
	require.Equal(t, http.StatusOK, post("before"))

	out, err = run("-mode", "stopped", "-note", "trying it")
	require.NoError(t, err)
	require.Contains(t, out, "Charging is stopped at "+api.URL+".\nSince 2026-11-21T12:00:00Z, note: \"trying it\".\nIn force everywhere at 2026-11-21T12:00:10Z")
	again, err := run()
	require.NoError(t, err)
	require.Equal(t, out, again)
	require.Equal(t, http.StatusServiceUnavailable, post("during"))

	out, err = run("-mode", "ask_first")
	require.NoError(t, err)
	require.Contains(t, out, "Charging is ask_first")
	require.NotContains(t, out, "trying it", "a note is of one setting")

	_, err = run("-mode", "live", "-note", strings.Repeat("x", 1025))
	require.ErrorContains(t, err, "note: must have at most 1024 characters")
	require.ErrorContains(t, err, "the switch was not touched")
	out, err = run()
	require.NoError(t, err)
	require.Contains(t, out, "Charging is ask_first")

	out, err = run("-mode", "live")
	require.NoError(t, err)
	require.Contains(t, out, "Charging is live")
	require.Equal(t, http.StatusOK, post("during"))

	require.NoError(t, store.Close())
	_, err = run("-mode", "stopped")
	require.ErrorContains(t, err, "cannot reach its ledger")
	require.ErrorContains(t, err, "whether the switch was set is not known")
}
