package dineropay

import (
	"encoding/base64"
	"fmt"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// answerRow is one answer of testdata/answers.json and what it comes to.
// testdata/README.md says how to add one.
type answerRow struct {
	Name       string `json:"name"`
	Of         string `json:"of"`
	HTTP       int    `json:"http"`
	Body       string `json:"body"`
	Base64     string `json:"body_base64"`
	State      string `json:"state"`
	Knowledge  string `json:"knowledge"`
	AskStatus  bool   `json:"ask_status"`
	KeyRefused bool   `json:"key_refused"`
	PaymentID  string `json:"payment_id"`
	Reason     string `json:"reason"`
	Differs    string `json:"differs"`
	Source     string `json:"source"`
}

// body is the answer's bytes.
func (r answerRow) body(t testing.TB) []byte {
	t.Helper()
	if r.Base64 == "" {
		return []byte(r.Body)
	}
	require.Empty(t, r.Body, "%s: one of body and body_base64", r.Name)
	body, err := base64.StdEncoding.DecodeString(r.Base64)
	require.NoError(t, err, r.Name)
	return body
}

func answerRows(t testing.TB) []answerRow {
	t.Helper()
	text, err := os.ReadFile("testdata/answers.json")
	require.NoError(t, err)
	var file struct {
		About   string      `json:"about"`
		Answers []answerRow `json:"answers"`
	}
	require.NoError(t, json.Unmarshal(text, &file, json.RejectUnknownMembers(true)))
	require.GreaterOrEqual(t, len(file.Answers), 60, "answers are missing")
	seen := make(map[string]bool)
	for _, r := range file.Answers {
		title := fmt.Sprintf("%s %d %s", r.Of, r.HTTP, r.Name)
		require.NotContains(t, seen, title, "two answers of one name")
		seen[title] = true
		require.NotEmpty(t, r.Source, title)
	}
	return file.Answers
}

// Contract, Charges, "How a charge's own answer is read": "400 in the provider's
// error form in which every error is the validation of a request's field …", "any
// other 400 … and a 404 or 405 that names a payment: one status request by order
// number", and "Of an answer only status, payment_id … decide anything".
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, r := range answerRows(t) {
		t.Run(fmt.Sprintf("%s %d %s", r.Of, r.HTTP, r.Name), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, reply(r.HTTP, string(r.body(t))))
			var got charge.Answer
			var refused bool
			said := ""
			switch r.Of {
			case "charge":
				require.Empty(t, r.Knowledge)
				got = p.client(t, theKeys()).Charge(t.Context(), theTerms(t))
				refused = got.KeyRefused
				p.Close()
				require.Len(t, p.received(), 1, "one charge request and no more")
			case "status":
				status := p.client(t, theKeys()).Status(t.Context(), byNumber(t))
				got, refused, said = status.Answer, status.KeyRefused, status.Reason
				require.Equal(t, r.Knowledge, map[charge.Knowledge]string{
					charge.NotAsked: "not asked", charge.NotKnown: "not known", charge.Known: "known",
				}[status.Knowledge], said)
			default:
				require.Fail(t, "an answer is of a charge or of a status request", "%q", r.Of)
			}
			require.Equal(t, r.State, string(got.State), "%s %s", got.Reason, said)
			require.Equal(t, r.AskStatus, got.AskStatus, got.Reason)
			require.Equal(t, r.KeyRefused, refused, got.Reason)
			require.Equal(t, r.PaymentID, got.PaymentID)
			require.Contains(t, said+got.Reason, r.Reason)
			if r.Differs == "" {
				require.Empty(t, got.Differs)
			} else {
				require.Contains(t, got.Differs, r.Differs)
			}
		})
	}
}
