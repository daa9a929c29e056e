package secrets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/secrets"
)

const id = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:DinarDragon-AbCdEf"

// parseKey is what a provider's client does with its secret.
func parseKey(value []byte) (secrets.Text, error) {
	fields, err := secrets.Fields(value, "private_key")
	return fields["private_key"], err
}

func key(text string) string { return fmt.Sprintf(`{"private_key":%q}`, text) }

// store is Secrets Manager in memory: it answers with what is set.
type store struct {
	mu    sync.Mutex
	value string
	err   error
	calls int
	gate  chan struct{} // if set, an answer waits until the gate is closed
}

func (s *store) set(value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err = value, err
}

func (s *store) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *store) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	s.mu.Lock()
	s.calls++
	value, err, gate := s.value, s.err, s.gate
	s.mu.Unlock()
	if *in.SecretId != id {
		return nil, fmt.Errorf("asked for %q", *in.SecretId)
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: &value}, nil
}

// bench is a Secret with all that it stands on.
type bench struct {
	*secrets.Secret[secrets.Text]
	store *store
	clock time.Time
	log   *bytes.Buffer
}

func newBench() *bench {
	b := &bench{
		store: &store{value: key("MARKED-first")},
		clock: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		log:   new(bytes.Buffer),
	}
	b.Secret = secrets.New(b.store, id, parseKey, secrets.Options{
		TTL: 5 * time.Minute,
		Now: func() time.Time { return b.clock },
		Log: slog.New(slog.NewJSONHandler(b.log, nil)),
	})
	return b
}

func (b *bench) requireValue(t *testing.T, want string) {
	t.Helper()
	text, err := b.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, text.Reveal())
}

func (b *bench) warnings() int { return strings.Count(b.log.String(), "\n") }

var (
	errDown  = errors.New("dial tcp 10.0.0.1:443: connect: connection refused")
	noValue  = &types.ResourceNotFoundException{Message: aws.String("Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")}
	notFound = &types.ResourceNotFoundException{Message: aws.String("Secrets Manager can't find the specified secret.")}
	deleted  = &types.InvalidRequestException{Message: aws.String("You can't perform this operation on the secret because it was marked for deletion.")}
)

func TestValueIsCachedForItsTTL(t *testing.T) {
	t.Parallel()
	b := newBench()
	require.Zero(t, b.store.asked(), "New reads nothing")
	b.requireValue(t, "MARKED-first")
	b.store.set(key("MARKED-second"), nil)
	b.clock = b.clock.Add(5*time.Minute - time.Nanosecond)
	b.requireValue(t, "MARKED-first")
	require.Equal(t, 1, b.store.asked())
	b.clock = b.clock.Add(time.Nanosecond)
	b.requireValue(t, "MARKED-second")
	require.Equal(t, 2, b.store.asked())
}

func TestRefreshReadsAnew(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.requireValue(t, "MARKED-first")
	b.store.set(key("MARKED-second"), nil)
	text, err := b.Refresh(t.Context())
	require.NoError(t, err)
	require.Equal(t, "MARKED-second", text.Reveal())
	b.requireValue(t, "MARKED-second")
	require.Equal(t, 2, b.store.asked(), "Get uses what Refresh read")

	b.store.set("", errDown)
	_, err = b.Refresh(t.Context())
	require.ErrorIs(t, err, secrets.ErrUnavailable, "a refresh is never answered from the cache")
	b.requireValue(t, "MARKED-second")
	require.Equal(t, 3, b.store.asked())
}

func TestStaleValueIsServedForAnHour(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.requireValue(t, "MARKED-first")
	b.store.set("", errDown)

	// Idle for long after the TTL: the wait before the next try counts from now.
	b.clock = b.clock.Add(40 * time.Minute)
	for range 10 {
		b.requireValue(t, "MARKED-first")
	}
	require.Equal(t, 2, b.store.asked())
	require.Equal(t, 1, b.warnings())
	b.clock = b.clock.Add(30*time.Second - time.Nanosecond)
	b.requireValue(t, "MARKED-first")
	require.Equal(t, 2, b.store.asked())
	b.clock = b.clock.Add(time.Nanosecond)
	b.requireValue(t, "MARKED-first")
	require.Equal(t, 3, b.store.asked())
	require.Equal(t, 2, b.warnings(), "each failure is logged")

	// 65 minutes after it was read it is no longer served, also where the last
	// failure was less than half a minute ago.
	b.clock = b.clock.Add(24*time.Minute + 30*time.Second - time.Nanosecond)
	b.requireValue(t, "MARKED-first")
	require.Equal(t, 4, b.store.asked())
	b.clock = b.clock.Add(time.Nanosecond)
	_, err := b.Get(t.Context())
	require.ErrorIs(t, err, secrets.ErrUnavailable)
	require.ErrorIs(t, err, errDown)
	require.Equal(t, 5, b.store.asked())

	b.store.set(key("MARKED-second"), nil)
	b.requireValue(t, "MARKED-second")
	require.NotContains(t, b.log.String(), "MARKED")
	require.Contains(t, b.log.String(), id)
}

func TestRecoveryEndsStaleness(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.requireValue(t, "MARKED-first")
	b.store.set("", errDown)
	b.clock = b.clock.Add(6 * time.Minute)
	b.requireValue(t, "MARKED-first")
	b.store.set(key("MARKED-second"), nil)
	b.clock = b.clock.Add(30 * time.Second)
	b.requireValue(t, "MARKED-second")
	b.clock = b.clock.Add(5*time.Minute - time.Nanosecond)
	b.requireValue(t, "MARKED-second")
	require.Equal(t, 3, b.store.asked())
}

func TestFailedRefreshDoesNotShortenTheTTL(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.requireValue(t, "MARKED-first")
	b.store.set("", errDown)
	_, err := b.Refresh(t.Context())
	require.ErrorIs(t, err, secrets.ErrUnavailable)
	b.clock = b.clock.Add(5*time.Minute - time.Nanosecond)
	b.requireValue(t, "MARKED-first")
	require.Equal(t, 2, b.store.asked())
}

func TestWithoutAValueEveryGetAsks(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errDown, noValue, notFound} {
		b := newBench()
		b.store.set("", err)
		_, got := b.Get(t.Context())
		require.ErrorIs(t, got, err)
		b.store.set(key("MARKED-first"), nil)
		b.requireValue(t, "MARKED-first")
		require.Equal(t, 2, b.store.asked())
	}
}

func TestAnswersOfSecretsManager(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, value string
		err         error
		kind        error
		says        []string
	}{
		{"no value", "", noValue, secrets.ErrNoValue, []string{"no value yet", "make secrets"}},
		{"empty value", "", nil, secrets.ErrNoValue, []string{"no value yet", "make secrets"}},
		{"not found", "", notFound, secrets.ErrNotFound, []string{"does not exist"}},
		{"deleted", "", deleted, secrets.ErrNotFound, []string{"marked for deletion"}},
		{"not JSON", "MARKED-bare", nil, secrets.ErrMalformed, []string{"not a JSON object"}},
		{"not an object", `"MARKED-bare"`, nil, secrets.ErrMalformed, []string{"not a JSON object"}},
		{"null", `null`, nil, secrets.ErrMalformed, []string{"not a JSON object"}},
		{"trailing text", key("MARKED-a") + "MARKED-b", nil, secrets.ErrMalformed, []string{"not a JSON object"}},
		{"name twice", `{"private_key":"MARKED-a","private_key":"MARKED-b"}`, nil, secrets.ErrMalformed, []string{"each name once"}},
		{"other name", `{"MARKED-a":"private_key"}`, nil, secrets.ErrMalformed, []string{`"private_key" is missing`}},
		{"other case", `{"Private_Key":"MARKED-a"}`, nil, secrets.ErrMalformed, []string{`"private_key" is missing`}},
		{"a number", `{"private_key":4711}`, nil, secrets.ErrMalformed, []string{`"private_key" is not a text`}},
		{"null field", `{"private_key":null}`, nil, secrets.ErrMalformed, []string{`"private_key" is not a text`}},
		{"half a surrogate", `{"private_key":"MARKED\ud800"}`, nil, secrets.ErrMalformed, []string{"not a JSON object"}},
		{"empty", key(""), nil, secrets.ErrMalformed, []string{`"private_key" is empty`}},
		{"blank", key(" \t"), nil, secrets.ErrMalformed, []string{`"private_key" is empty`}},
		{"trailing line break", key("MARKED-a\n"), nil, secrets.ErrMalformed, []string{`"private_key" begins or ends with white space`}},
		{"line break", key("MARKED-a\r\nX: b"), nil, secrets.ErrMalformed, []string{`"private_key" has a line break`}},
		{"down", "", errDown, secrets.ErrUnavailable, []string{"cannot be read now", errDown.Error()}},
		{"decryption", "", &types.DecryptionFailure{Message: aws.String("KMS")}, secrets.ErrUnavailable, []string{"cannot be read now"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, had := range []bool{false, true} {
				b := newBench()
				if had {
					b.requireValue(t, "MARKED-first")
					b.clock = b.clock.Add(5 * time.Minute)
				}
				b.store.set(c.value, c.err)
				_, err := b.Get(t.Context())
				if had && errors.Is(c.kind, secrets.ErrUnavailable) {
					require.NoError(t, err, "served stale")
					continue
				}
				require.ErrorIs(t, err, c.kind, "with a value before: %v", had)
				var typed *secrets.Error
				require.ErrorAs(t, err, &typed)
				require.Equal(t, id, typed.ID)
				for _, part := range append(c.says, id) {
					require.Contains(t, err.Error(), part)
				}
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "MARKED")
				require.Empty(t, b.log.String(), "the caller is told, and logs")

				b.store.set("", errDown)
				_, err = b.Get(t.Context())
				require.ErrorIs(t, err, secrets.ErrUnavailable, "the earlier value is gone")
			}
		})
	}
}

func TestBinaryValue(t *testing.T) {
	t.Parallel()
	api := answering{&secretsmanager.GetSecretValueOutput{SecretBinary: []byte(key("MARKED-binary"))}}
	text, err := secrets.New(api, id, parseKey, secrets.Options{}).Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, "MARKED-binary", text.Reveal())
}

type answering struct {
	out *secretsmanager.GetSecretValueOutput
}

func (a answering) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return a.out, nil
}

func TestParserErrors(t *testing.T) {
	t.Parallel()
	decode := func(value []byte) (int, error) {
		var into struct {
			Key int `json:"private_key"`
		}
		if err := jsonv2.Unmarshal(value, &into, jsonv2.RejectUnknownMembers(true)); err != nil {
			return 0, fmt.Errorf("private_key: %w", err)
		}
		return 0, errors.New("private_key is too small")
	}
	cases := []struct{ name, value, says string }{
		{"syntax", `{"private_key": MARKED`, "not JSON of the form"},
		{"type", key("MARKED"), "not JSON of the form"},
		{"unknown name", `{"MARKED": 1}`, "not JSON of the form"},
		{"in its own words", `{"private_key": 1}`, "private_key is too small"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := secrets.New(&store{value: c.value}, id, decode, secrets.Options{}).Get(t.Context())
			require.ErrorIs(t, err, secrets.ErrMalformed)
			require.Contains(t, err.Error(), c.says)
			var typed *secrets.Error
			require.ErrorAs(t, err, &typed)
			for _, inner := range append(typed.Unwrap(), typed) {
				require.NotContains(t, fmt.Sprintf("%+v %#v", inner, inner), "MARKED")
			}
		})
	}
}

func TestManyGetsAreOneRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &store{value: key("MARKED-first"), gate: make(chan struct{})}
		s := secrets.New(api, id, parseKey, secrets.Options{})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				text, err := s.Get(t.Context())
				require.NoError(t, err)
				require.Equal(t, "MARKED-first", text.Reveal())
			})
		}
		synctest.Wait()
		close(api.gate)
		wg.Wait()
		require.Equal(t, 1, api.asked())
	})
}

func TestManyGetsWithoutAPauseAreOneRead(t *testing.T) {
	t.Parallel()
	for range 50 {
		api := &store{value: key("MARKED-first")}
		s := secrets.New(api, id, parseKey, secrets.Options{})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := s.Get(t.Context())
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 1, api.asked())
	}
}

func TestACallerWhoGivesUpHarmsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &store{value: key("MARKED-first"), gate: make(chan struct{})}
		s := secrets.New(api, id, parseKey, secrets.Options{})
		impatient, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := s.Get(impatient)
			require.ErrorIs(t, err, secrets.ErrUnavailable)
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		wg.Go(func() {
			text, err := s.Get(t.Context())
			require.NoError(t, err)
			require.Equal(t, "MARKED-first", text.Reveal())
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(api.gate)
		wg.Wait()
		require.Equal(t, 1, api.asked())

		_, err := s.Refresh(impatient)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, api.asked(), "nothing is begun for a caller who is gone")
	})
}

func TestAReadIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &store{gate: make(chan struct{})}
		s := secrets.New(api, id, parseKey, secrets.Options{})
		began := time.Now()
		_, err := s.Get(t.Context())
		require.ErrorIs(t, err, secrets.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}

// A read that began before the provider refused the value may bring that very
// value: Refresh waits for one that began after it was called, and many
// refreshes share it.
func TestRefreshDoesNotTakeAnEarlierRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{})
		api := &store{value: key("MARKED-first"), gate: first}
		s := secrets.New(api, id, parseKey, secrets.Options{})
		var wg sync.WaitGroup
		wg.Go(func() {
			text, err := s.Get(t.Context())
			require.NoError(t, err)
			require.Equal(t, "MARKED-first", text.Reveal())
		})
		synctest.Wait()
		api.mu.Lock()
		api.value, api.gate = key("MARKED-second"), make(chan struct{})
		api.mu.Unlock()
		for range 100 {
			wg.Go(func() {
				text, err := s.Refresh(t.Context())
				require.NoError(t, err)
				require.Equal(t, "MARKED-second", text.Reveal())
			})
		}
		synctest.Wait()
		close(first)
		synctest.Wait()
		close(api.gate)
		wg.Wait()
		require.Equal(t, 2, api.asked())
	})
}

func TestNothingPrintsAValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		text, err := b.Get(t.Context())
		require.NoError(t, err)
		synctest.Wait() // the read has ended altogether: %s below looks into the Secret
		holder := struct {
			Text   secrets.Text
			Secret *secrets.Secret[secrets.Text]
			inner  *secrets.Secret[secrets.Text]
		}{text, b.Secret, b.Secret}

		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, value := range []any{text, &text, b.Secret, holder, &holder, []secrets.Text{text}, map[string]secrets.Text{"key": text}} {
				_, _ = fmt.Fprintf(&out, verb, value)
			}
		}
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			slog.New(handler).Info("message", "text", text, "secret", b.Secret, "holder", holder, "list", []secrets.Text{text})
		}
		encoded, err := json.Marshal([]any{text, holder, map[string]any{"text": &text}})
		require.NoError(t, err)
		out.Write(encoded)
		require.Contains(t, out.String(), "[hidden]")
		for _, form := range []string{"MARKED-first", fmt.Sprintf("%x", "MARKED-first"), fmt.Sprintf("%X", "MARKED-first"), fmt.Sprintf("%d", []byte("MARKED-first"))} {
			require.NotContains(t, out.String(), form)
		}
	})
	require.Equal(t, "MARKED-first", secrets.NewText("MARKED-first").Reveal())
	require.True(t, secrets.Text{}.IsZero())
}

// endpoint is Secrets Manager's wire protocol (JSON 1.1) on a local port.
type endpoint struct {
	mu     sync.Mutex
	answer func(http.ResponseWriter)
	calls  int
}

func (e *endpoint) set(answer func(http.ResponseWriter)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	e.calls++
	answer := e.answer
	e.mu.Unlock()
	var asked map[string]string
	if r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
		json.Unmarshal(body, &asked) != nil || asked["SecretId"] != id {
		http.Error(w, "unexpected request", http.StatusTeapot)
		return
	}
	answer(w)
}

func value(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]string{"ARN": id, "SecretString": text, "VersionId": "v"})
	}
}

func fault(status int, kind, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message, "Message": message})
	}
}

func TestAgainstTheWireProtocol(t *testing.T) {
	t.Parallel()
	manager := &endpoint{}
	server := httptest.NewServer(manager)
	t.Cleanup(server.Close)
	client := secretsmanager.New(secretsmanager.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("id", "MARKED-aws", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
	clock := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	s := secrets.New(client, id, parseKey, secrets.Options{
		TTL: time.Minute,
		Now: func() time.Time { return clock },
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})

	steps := []struct {
		name   string
		answer func(http.ResponseWriter)
		kind   error
		want   string
	}{
		{"no value", fault(400, "ResourceNotFoundException", *noValue.Message), secrets.ErrNoValue, ""},
		{"not found", fault(400, "ResourceNotFoundException", *notFound.Message), secrets.ErrNotFound, ""},
		{"marked for deletion", fault(400, "InvalidRequestException", *deleted.Message), secrets.ErrNotFound, ""},
		{"denied", fault(400, "AccessDeniedException", "not authorized to perform secretsmanager:GetSecretValue"), secrets.ErrUnavailable, ""},
		{"throttled", fault(400, "ThrottlingException", "Rate exceeded"), secrets.ErrUnavailable, ""},
		{"internal", fault(500, "InternalServiceError", "oops"), secrets.ErrUnavailable, ""},
		{"not the service", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>MARKED") }, secrets.ErrUnavailable, ""},
		{"malformed", value(`{"private_key":"MARKED-0`), secrets.ErrMalformed, ""},
		{"set", value(key("MARKED-1")), nil, "MARKED-1"},
		{"rotated", value(key("MARKED-2")), nil, "MARKED-2"},
		{"throttled with a value", fault(400, "ThrottlingException", "Rate exceeded"), nil, "MARKED-2"},
		{"no connection", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, nil, "MARKED-2"},
		{"rotated again", value(key("MARKED-3")), nil, "MARKED-3"},
		{"value taken away", fault(400, "ResourceNotFoundException", *noValue.Message), secrets.ErrNoValue, ""},
	}
	for _, step := range steps {
		manager.set(step.answer)
		text, err := s.Get(t.Context())
		if step.kind != nil {
			require.ErrorIs(t, err, step.kind, step.name)
			require.Contains(t, err.Error(), id, step.name)
			require.NotContains(t, fmt.Sprintf("%+v", err), "MARKED", step.name)
		} else {
			require.NoError(t, err, step.name)
			require.Equal(t, step.want, text.Reveal(), step.name)
		}
		clock = clock.Add(time.Minute)
	}
	require.NotContains(t, log.String(), "MARKED")
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		key("abc"), `{"private_key":"a","note":{"x":[1]}}`, `{"private_key":"a","private_key":"b"}`,
		`{}`, `[]`, `null`, `"x"`, ``, `{"private_key":"\ud800"}`, `{"private_key":" a"}`, "\xff", key("a") + "x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		fields, err := secrets.Fields(raw, "private_key")
		if err != nil {
			var fault *secrets.FieldError
			require.ErrorAs(t, err, &fault)
			return
		}
		text := fields["private_key"].Reveal()
		require.NotEmpty(t, text)
		require.Equal(t, strings.TrimSpace(text), text)
		require.NotContains(t, text, "\n")
		// What was accepted is read again as the same.
		encoded, err := json.Marshal(map[string]string{"private_key": text})
		require.NoError(t, err)
		again, err := secrets.Fields(encoded, "private_key")
		require.NoError(t, err)
		require.Equal(t, fields, again)
	})
}
