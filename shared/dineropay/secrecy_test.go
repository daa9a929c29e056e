package dineropay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// Marked secrets, with characters that a quoted text escapes. Every part of one
// that may not be shown either is longer than the mark.
const (
	mark           = "MARKED"
	markedKey      = `MARKED-key-"4711"`
	markedPassword = `MARKED-pass"word"\كلمة-السر`
	markedToken    = `MARKED-to\ken-"4712"`
)

// sink keeps what is logged, and looks for marks in it and in answers.
type sink struct {
	mu     sync.Mutex
	log    bytes.Buffer
	hashes []string
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *sink) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// requireNothing checks that no secret, nor half of one, is in what was logged
// or in v, however that is printed.
func (s *sink) requireNothing(t testing.TB, v any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	shown := strings.ToUpper(fmt.Sprintf("%s\n%s\n%+v\n%#v\n%q", s.log.String(), encoded, v, v, v))
	require.NotContains(t, shown, mark)
	require.NotContains(t, shown, "السر", "the end of the password")
	for _, hash := range s.hashes {
		require.NotContains(t, shown, strings.ToUpper(hash[:8]), "the hash, or its beginning")
		require.NotContains(t, shown, strings.ToUpper(hash[32:]), "the end of the hash")
	}
}

func markedTerms(t testing.TB) charge.Terms {
	t.Helper()
	r := theRequest()
	r.Token = markedToken
	return termsOf(t, r)
}

// echoes are the ways in which the provider could repeat a secret to us.
func echoes(t testing.TB, secret string) map[string]http.HandlerFunc {
	t.Helper()
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	inText := string(quoted[1 : len(quoted)-1])
	all := map[string]http.HandlerFunc{
		"a page":        reply(http.StatusOK, "<p>"+secret),
		"a name":        reply(http.StatusOK, `{`+string(quoted)+`:1,`+string(quoted)+`:2}`),
		"a broken body": raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"+secret),
		"a status line": raw(t, "HTTP/1.1 "+secret+"\r\n\r\n"),
		"not HTTP":      raw(t, secret+"\r\n\r\n"),
		"a header":      raw(t, "HTTP/1.1 200 OK\r\n"+secret+"\r\n\r\n"),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://%zz/"+secret)
			reply(http.StatusTemporaryRedirect, "")(w, r)
		},
	}
	// In front of it so much that a text that is cut is cut within the secret.
	for _, before := range []int{0, maxWord - 10, maxID - 10, maxReason - 10} {
		text := strings.Repeat("x", before) + inText
		for name, body := range map[string]string{
			"reason":            `{"status":"declined","reason":"` + text + `","order":` + theOrder + `}`,
			"payment_id":        `{"status":"declined","payment_id":"` + text + `","order":` + theOrder + `}`,
			"date":              `{"status":"declined","date":"` + text + `","order":` + theOrder + `}`,
			"status":            `{"status":"` + text + `","order":` + theOrder + `}`,
			"order number":      about("settled", `{"number":"`+text+`"}`),
			"amount":            about("settled", `{"number":"order-1234","amount":"`+text+`"}`),
			"currency":          about("settled", `{"number":"order-1234","currency":"`+text+`"}`),
			"description":       about("settled", `{"number":"order-1234","description":"`+text+`"}`),
			"recurring_token":   `{"status":"settled","recurring_token":"` + text + `","order":` + theOrder + `}`,
			"a name of its own": `{"status":"settled","hash":"` + text + `","order":` + theOrder + `}`,
		} {
			all[fmt.Sprintf("%s after %d", name, before)] = reply(http.StatusOK, body)
		}
		failure := fmt.Sprintf(`{"error_code":"%s","error_message":"%s","errors":[{"error_message":"hash: %s"}]}`, text, text, text)
		for _, status := range []int{400, 401, 403, 404, 405, 418, 429, 500} {
			all[fmt.Sprintf("error_message of %d after %d", status, before)] = reply(status, failure)
		}
		all[fmt.Sprintf("order.number after %d", before)] = reply(http.StatusBadRequest, `{"error_message":"order.number: `+text+`"}`)
		all[fmt.Sprintf("payment_id of 401 after %d", before)] = reply(http.StatusUnauthorized, `{"payment_id":"`+text+`"}`)
	}
	return all
}

func TestSecretsAreNotShownWhenTheProviderRepeatsThem(t *testing.T) {
	t.Parallel()
	terms := markedTerms(t)
	secret := credentials(markedKey, markedPassword)
	hash := signCharge(terms, secret.Password)
	statusHash := signStatus(theNumber, secret.Password)
	for name, text := range map[string]string{
		"merchant key": markedKey, "password": markedPassword, "token": markedToken, "hash": hash, "status hash": statusHash,
		"signed text": theInitTransID + markedToken + theNumber + "1.00gift" + markedPassword,
	} {
		for _, text := range []string{text, strings.ToUpper(text)} {
			for way, answer := range echoes(t, text) {
				s := &sink{hashes: []string{hash, statusHash}}
				p := newProvider(t, answer)
				c := newClient(t, p.URL, &keys{now: secret, next: secret}, Options{Log: s.logger()})
				if name != "status hash" {
					s.requireNothing(t, c.Charge(t.Context(), terms))
				}
				// A status request has no token in it, and so none to look for.
				if name != "token" && name != "signed text" && name != "hash" {
					s.requireNothing(t, c.Status(t.Context(), byNumber(t)))
				}
				require.NotEmpty(t, p.received(), way)
				p.Close()
			}
		}
	}
}

// On every path of the tables the log and the answers hold no secret.
func TestSecretsAreNotShownOnAnyPath(t *testing.T) {
	t.Parallel()
	terms := markedTerms(t)
	secret := credentials(markedKey, markedPassword)
	hashes := []string{signCharge(terms, secret.Password), signStatus(theNumber, secret.Password), signStatus(thePaymentID, secret.Password)}
	logged := 0
	var answers []http.HandlerFunc
	for _, tt := range answerCases() {
		answers = append(answers, reply(tt.status, tt.body))
	}
	for _, tt := range statusCases(t) {
		answers = append(answers, reply(tt.status, tt.body))
	}
	answers = append(answers, abort, reset, raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))
	for _, answer := range answers {
		s := &sink{hashes: hashes}
		p := newProvider(t, answer)
		c := newClient(t, p.URL, &keys{now: secret, next: secret}, Options{Log: s.logger()})
		s.requireNothing(t, c.Charge(t.Context(), terms))
		s.requireNothing(t, c.Status(t.Context(), byNumber(t)))
		s.requireNothing(t, c.Status(t.Context(), byPaymentID(t)))
		p.Close()
		logged += s.log.Len()
	}

	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, base := range []string{closed.URL, "https" + strings.TrimPrefix(closed.URL, "http"), "http://no..such..host"} {
		s := &sink{hashes: hashes}
		c := newClient(t, base, &keys{now: secret, next: secret}, Options{Log: s.logger()})
		s.requireNothing(t, c.Charge(t.Context(), terms))
		s.requireNothing(t, c.Status(t.Context(), byNumber(t)))
	}
	require.Positive(t, logged, "a refused key is logged, so there was a log to look at")
}

// Contract, HTTP API: "No answer and no log line ever holds … a whole token": a later
// status answer repeats it without the field beside it, and the ledger knows its end
// alone.
func TestAStatusAnswerDoesNotShowATokenOfWhichTheEndIsKept(t *testing.T) {
	t.Parallel()
	const reason = "Recurring token tok-pending-4f1c09d2a7e3 was revoked"
	p := newProvider(t, reply(http.StatusOK, `{"status":"declined","payment_id":"`+thePaymentID+`","reason":"`+reason+`","order":`+theOrder+`}`))
	for name, change := range map[string]func(*charge.Query){
		"the end":     func(q *charge.Query) { q.TokenEnd = "a7e3" },
		"the whole":   func(q *charge.Query) { q.Token = hidden.New("tok-pending-4f1c09d2a7e3") },
		"another end": func(q *charge.Query) { q.Token = hidden.New("another-token-a7e3") },
	} {
		q := byNumber(t)
		change(&q)
		got := p.client(t, theKeys()).Status(t.Context(), q)
		require.Equal(t, charge.Known, got.Knowledge, name)
		require.Equal(t, "Recurring token [hidden] was revoked", got.Answer.Reason, name)
		require.Equal(t, thePaymentID, got.Answer.PaymentID, name)
	}
	r := theRequest()
	r.Token = "other-token-a7e3"
	got := p.client(t, theKeys()).Charge(t.Context(), termsOf(t, r))
	require.Equal(t, "Recurring token [hidden] was revoked", got.Reason)
}

// A status answer shows the saved card's token; whatever text repeats it is kept
// without it.
func TestAStatusAnswerDoesNotShowItsToken(t *testing.T) {
	t.Parallel()
	p := newProvider(t, reply(http.StatusOK, `{"status": "declined", "recurring_token": "MARKED-token-9",
		"reason": "Token MARKED-token-9 was revoked", "order": {"number": "`+byNumber(t).Order.Number+`"}}`))
	got := p.client(t, theKeys()).Status(t.Context(), byNumber(t))
	require.Equal(t, charge.Known, got.Knowledge, got.Reason)
	require.Equal(t, "Token [hidden] was revoked", got.Answer.Reason)
}
