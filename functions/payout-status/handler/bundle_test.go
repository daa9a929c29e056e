package handler_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/cenkalti/backoff/v5"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/payout-status/handler"
	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/trigger"
)

const (
	// mark is in everything that no answer, error or log line may hold.
	mark      = "MARKED"
	key       = mark + "-key-4f1c09d2"
	rotated   = mark + "-key-rotated"
	secretARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:DinarDragon-AbCdEf"

	// What the provider knows.
	payoutID  = "df9a31ea528a3977"
	paymentID = "5b1f0c86d2e74a93"
)

// bundle is the function and the world around it: a provider that checks what
// it is asked, a Secrets Manager behind the real SDK, and a log.
type bundle struct {
	function trigger.Handlers
	provider *httptest.Server
	store    *brokenStore
	file     *boltstore.File
	path     string // of the file

	mu      sync.Mutex
	now     time.Time // of the watcher
	log     bytes.Buffer
	payouts map[string]string // the provider's payments, by its request's body
	takes   string            // the key that the provider takes
	fault   http.HandlerFunc  // what the provider answers instead, if anything
	asked   int               // how often the provider was asked
	secret  http.HandlerFunc  // Secrets Manager's answer
	read    int               // how often the secret was read
	said    bytes.Buffer      // every answer and error of the function
}

// open opens the store.
func (b *bundle) open(t *testing.T) {
	t.Helper()
	file, err := boltstore.Open(b.path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	b.file, b.store.Store = file, file.Payouts()
}

func newBundle(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		takes:  key,
		secret: holding(key),
		payouts: map[string]string{
			`{"payment_id":"` + payoutID + `"}`: `{"uniqueid":"5b1f0c86d2e74a93","status":1},` +
				`{"uniqueid":"0a77d3c4be91f265","status":0},{"uniqueid":"c3e8820f6ab7d114","status":2}`,
			`{"uniqueid":"` + paymentID + `"}`: `{"uniqueid":"5b1f0c86d2e74a93","status":1}`,
		},
	}
	b.provider = httptest.NewServer(http.HandlerFunc(b.dinarDragon))
	t.Cleanup(b.provider.Close)
	manager := httptest.NewServer(http.HandlerFunc(b.secretsManager))
	t.Cleanup(manager.Close)

	nowhere := filepath.Join(t.TempDir(), "none") // and not a developer's own settings
	for name, value := range map[string]string{
		"AWS_REGION":                       "eu-central-1",
		"AWS_ACCESS_KEY_ID":                "id",
		"AWS_SECRET_ACCESS_KEY":            mark + "-aws",
		"AWS_SESSION_TOKEN":                mark + "-session",
		"AWS_CONFIG_FILE":                  nowhere,
		"AWS_SHARED_CREDENTIALS_FILE":      nowhere,
		"AWS_PROFILE":                      "",
		"AWS_ENDPOINT_URL":                 "",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": manager.URL,
	} {
		t.Setenv(name, value)
	}
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	base, err := url.Parse(b.provider.URL)
	require.NoError(t, err)
	log := trigger.NewLogger(b)
	private := secrets.New(secretsmanager.NewFromConfig(cfg), secretARN, dinardragon.ParseKey, secrets.Options{Log: log})
	client := dinardragon.New(base, private, dinardragon.Options{
		Backoff:  func() backoff.BackOff { return &backoff.ZeroBackOff{} },
		TryLimit: time.Second,
	})
	b.path = filepath.Join(t.TempDir(), "ledger.db")
	b.now, b.store = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), &brokenStore{}
	b.open(t)
	b.function = handler.New(client, payout.NewWatcher(b.store, client, 30*time.Minute, b.clock, log), log)

	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		require.NotContains(t, b.log.String(), mark, "in the log")
		require.NotContains(t, b.said.String(), mark, "in an answer or error")
	})
	return b
}

// Write takes the log.
func (b *bundle) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(line)
}

func (b *bundle) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// calls returns how often the provider was asked and the secret was read.
func (b *bundle) calls() (asked, read int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked, b.read
}

// dinarDragon is strict about what it is asked.
func (b *bundle) dinarDragon(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body)) // a fault may be a simulator that reads it
	b.mu.Lock()
	b.asked++
	takes, fault := b.takes, b.fault
	payments, known := b.payouts[string(body)]
	b.mu.Unlock()
	switch {
	case r.Method != http.MethodPost || r.URL.String() != "/status" || r.Header.Get("Content-Type") != "application/json":
		http.Error(w, "unexpected request", http.StatusTeapot)
	case fault != nil:
		fault(w, r)
	case len(r.Header["Authorization"]) != 1 || r.Header.Get("Authorization") != takes:
		says(403, `{"code":403,"error":"Invalid API key `+r.Header.Get("Authorization")+`"}`)(w, r)
	case !known:
		says(400, `{"code":400,"error":"Payment not found."}`)(w, r)
	default:
		says(200, `{"code":200,"payments":[`+payments+`]}`)(w, r)
	}
}

func (b *bundle) secretsManager(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		ID string `json:"SecretId"`
	}
	err := json.UnmarshalRead(r.Body, &asked)
	b.mu.Lock()
	b.read++
	answer := b.secret
	b.mu.Unlock()
	if err != nil || asked.ID != secretARN || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		http.Error(w, "unexpected request", http.StatusTeapot)
		return
	}
	answer(w, r)
}

// says is an answer in JSON, or in what the body is.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// holding is Secrets Manager's answer for a secret with this private key.
func holding(privateKey string) http.HandlerFunc {
	return value(`{"private_key": "` + privateKey + `"}`)
}

func value(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.MarshalWrite(w, map[string]string{"ARN": secretARN, "SecretString": text})
	}
}

// refusing is Secrets Manager's answer in its error form.
func refusing(kind, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.MarshalWrite(w, map[string]string{"__type": kind, "message": message, "Message": message})
	}
}

// answer is what API Gateway gets.
type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// problem decodes the answer's body, which has to be a problem document.
func (a answer) problem(t *testing.T) (got struct {
	Title, Detail string
	Status        int
	Errors        []struct{ Field, Message string }
}) {
	t.Helper()
	require.Equal(t, "application/problem+json", a.Headers["Content-Type"])
	require.NoError(t, json.Unmarshal([]byte(a.Body), &got, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)))
	require.Equal(t, a.StatusCode, got.Status)
	require.Equal(t, http.StatusText(a.StatusCode), got.Title)
	return got
}

// invoke does what Lambda does, with a deadline that far away.
func (b *bundle) invoke(t *testing.T, event []byte, remaining time.Duration) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), remaining)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	text, err := b.function.Invoke(ctx, event)
	_, _ = fmt.Fprintf(&b.said, "%s %+v\n", text, err)
	require.NoError(t, err)
	var got answer
	require.NoError(t, json.Unmarshal(text, &got))
	return got
}

// post invokes the function with the sample event and this body in it.
func (b *bundle) post(t *testing.T, body string) answer {
	t.Helper()
	return b.send(t, func(event map[string]any) { event["body"] = body })
}

// send invokes the function with the sample event, changed.
func (b *bundle) send(t *testing.T, change func(event map[string]any)) answer {
	t.Helper()
	var event map[string]any
	require.NoError(t, json.Unmarshal(sample(t, "payout-status-http.json"), &event))
	change(event)
	text, err := json.Marshal(event)
	require.NoError(t, err)
	return b.invoke(t, text, 29*time.Second)
}

// sample is a file of events/ as it stands.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../events", name))
	require.NoError(t, err)
	return text
}
