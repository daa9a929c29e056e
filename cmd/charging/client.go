package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/charge"
)

const (
	// answerLimit is more than any answer about the switch, in bytes.
	answerLimit = 64 << 10
	// wordsLimit is how much of what an answer says is passed on, in bytes.
	wordsLimit = 500
)

// client calls one API, signed with SigV4 (contract, HTTP API).
type client struct {
	api         address
	stack       string // the stack that api was found by; may be empty
	region      string
	credentials aws.CredentialsProvider
	http        *http.Client
	now         func() time.Time
}

// newHTTP makes a client that follows no redirect: a signature is for one address.
func newHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		Timeout:       callLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// forTrial signs with what nobody checks, nor can be found out from: the wire is
// not encrypted.
func (c client) forTrial() client {
	c.region, c.credentials = "sandbox", credentials.NewStaticCredentialsProvider("sandbox", "sandbox", "")
	return c
}

// get returns the switch as it stands.
func (c client) get(ctx context.Context) (charge.Switch, error) {
	s, _, err := c.call(ctx, http.MethodGet, nil)
	return s, err
}

// put sets the switch. The error says whether it may have been set.
func (c client) put(ctx context.Context, mode charge.Mode, note string) (charge.Switch, error) {
	body, err := json.Marshal(struct {
		Mode charge.Mode `json:"mode"`
		Note string      `json:"note,omitzero"`
	}{mode, note})
	if err != nil { // the one thing that a text can lack
		return charge.Switch{}, errors.New("the note is not UTF-8: write it anew; the switch was not touched")
	}
	s, maybe, err := c.call(ctx, http.MethodPut, body)
	if err == nil && s.Mode != mode {
		maybe, err = true, fmt.Errorf("%s answers with mode %s instead of %s", c.api, s.Mode, mode)
	}
	switch {
	case err == nil:
		return s, nil
	case maybe:
		return charge.Switch{}, fmt.Errorf("%w; whether the switch was set is not known: run this again", err)
	default:
		return charge.Switch{}, fmt.Errorf("%w; the switch was not touched", err)
	}
}

// call asks the API. With an error, maybe tells whether the API may have done what
// was asked.
func (c client) call(ctx context.Context, method string, body []byte) (s charge.Switch, maybe bool, err error) {
	request, err := c.sign(ctx, method, body)
	if err != nil {
		return charge.Switch{}, false, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
			return charge.Switch{}, false, fmt.Errorf("the API cannot be reached: %w: see whether its address is right and this machine is connected", err)
		}
		return charge.Switch{}, true, fmt.Errorf("no answer from the API: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return charge.Switch{}, true, fmt.Errorf("the answer of %s %s broke off: %w", method, request.URL, err)
	}
	if response.StatusCode != http.StatusOK {
		return charge.Switch{}, response.StatusCode >= 500, fmt.Errorf("%s %s: %s", method, request.URL, explain(method, response.StatusCode, answer))
	}
	if s, err = decode(answer); err != nil {
		return charge.Switch{}, true, fmt.Errorf("%s %s: the answer is not about the switch (%w): see whether the address is the API's", method, request.URL, err)
	}
	return s, false, nil
}

// sign makes a request and signs it (AWS IAM user guide, "Signing AWS API
// requests").
func (c client) sign(ctx context.Context, method string, body []byte) (*http.Request, error) {
	if c.credentials == nil {
		return nil, errors.New("there are no AWS credentials: sign in, or set AWS_PROFILE")
	}
	identity, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("there are no AWS credentials: sign in, or set AWS_PROFILE: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.api.charging(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	digest := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, identity, request, hex.EncodeToString(digest[:]), "execute-api", c.region, c.now())
	if err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	return request, nil
}

// decode reads an answer with the switch. Fields that a later version may add are
// passed over.
func decode(answer []byte) (charge.Switch, error) {
	var wire struct {
		Mode  charge.Mode `json:"mode"`
		Note  *string     `json:"note"`
		SetAt *time.Time  `json:"set_at"`
	}
	if err := json.Unmarshal(answer, &wire); err != nil {
		return charge.Switch{}, errors.New("it is not what the contract says") // not quoted: it may be anybody's page
	}
	if !slices.Contains(charge.Modes(), wire.Mode) {
		return charge.Switch{}, errors.New("it has no mode that is known here")
	}
	s := charge.Switch{Mode: wire.Mode}
	if wire.Note != nil {
		s.Note = *wire.Note
	}
	if wire.SetAt != nil {
		s.SetAt = *wire.SetAt
	}
	return s, nil
}

// refusal is what an answer with an error says: a problem document of ours
// (contract, HTTP API), or API Gateway's own.
type refusal struct {
	Detail string `json:"detail"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
	Message string `json:"message"` // API Gateway's
}

// words are what a refusal says, quoted, with a blank before them; or nothing.
func (r refusal) words() string {
	text := r.Detail
	for _, e := range r.Errors {
		text += " " + e.Field + ": " + e.Message + "."
	}
	if text = strings.TrimSpace(text + " " + r.Message); text == "" {
		return ""
	}
	if len(text) > wordsLimit {
		text = strings.ToValidUTF8(text[:wordsLimit], "") + "…"
	}
	return " " + strconv.Quote(text)
}

// explain says what an answer other than 200 means and what to do next.
func explain(method string, status int, answer []byte) string {
	var r refusal
	if json.Unmarshal(answer, &r) != nil {
		r = refusal{} // not in a form that is known; the status says enough
	}
	told := strconv.Itoa(status) + r.words()
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// Without its words, which may repeat what was signed.
		return fmt.Sprintf("API Gateway refuses you (%d): you need the right execute-api:Invoke on the stack's output ApiArn followed by /$default/%s/charging. If you have it, see whether your AWS credentials are of the right account and still valid, and this machine's clock is right",
			status, method)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status < 400:
		return "there is no such switch (" + told + "): see whether the address is the API's, and deploy this version (make deploy) if it is"
	case status == http.StatusTooManyRequests:
		return "the API takes no more requests now (" + told + "): run this again in a moment"
	case status == http.StatusServiceUnavailable && r.Detail != "":
		return "RecurringCharge cannot reach its ledger, DynamoDB's table (" + told + "). If it lasts, look at RecurringCharge's log and at AWS's service health"
	case status >= 500:
		return "RecurringCharge gave API Gateway no answer (" + told + "): look at its log, and whether it runs at all"
	default:
		return "the API does not accept this (" + told + ")"
	}
}
