package dineropay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// operation is what was done to a payment, as a callback tells it.
type operation struct{ kind, result, reason string }

// operationOf says which operation takes a payment from one status to another, and
// how it ended. The platform publishes the kinds and that a failed refund is told of
// a payment that stays settled; that a dispute that is won is a failed chargeback is
// made up in the same manner.
func operationOf(before, after string) operation {
	kinds := map[string]string{"3ds": "3ds", "redirect": "redirect", refund: refund, "reversal": "void", "void": "void", "chargeback": "chargeback"}
	undone := slices.Contains([]string{refund, "reversal", "void", "chargeback"}, before)
	switch {
	case after == settled && undone:
		return operation{kind: kinds[before], result: "fail"}
	case slices.Contains(waiting(), after):
		return operation{kind: cmp.Or(kinds[after], "recurring"), result: "waiting"}
	case after == declined:
		return operation{kind: "recurring", result: "fail"}
	default:
		return operation{kind: cmp.Or(kinds[after], "recurring"), result: "success"}
	}
}

// Callback is the form that the provider posts to the merchant about the newest
// payment of an order (platform's protocol, "callback"): of a cascade, only the last
// one is called back about. Its hash covers the id and the order, and neither status
// nor type: whoever has seen one can send it again with another outcome.
func (s *Simulator) Callback(orderNumber string) (url.Values, error) {
	defer s.lock()()
	i := s.newest(orderNumber)
	if i < 0 {
		return nil, noTransaction(orderNumber)
	}
	return s.form(s.transactions[i]), nil
}

// CallbackOf is the callback about one payment, which need not be the newest: one
// that comes late, or of a platform that does not do as its pages say.
func (s *Simulator) CallbackOf(paymentID string) (form url.Values, err error) {
	err = s.change(paymentID, func(t *Transaction) error {
		form = s.form(*t)
		return nil
	})
	return form, err
}

// form writes the callback about a payment as it is now.
func (s *Simulator) form(t Transaction) url.Values {
	return url.Values{
		"id":                      {t.PaymentID},
		"order_number":            {t.Order.Number},
		"order_amount":            {t.Order.Amount},
		"order_currency":          {t.Order.Currency},
		"order_description":       {t.Order.Description},
		"order_status":            {t.Status},
		"type":                    {t.operation.kind},
		"status":                  {t.operation.result},
		"reason":                  {cmp.Or(t.operation.reason, t.Reason)},
		"recurring_init_trans_id": {t.InitTransID},
		"date":                    {t.At.Format(dateForm)},
		"hash":                    {sign(t.PaymentID, t.Order.Number, t.Order.Amount, t.Order.Currency, t.Order.Description, s.password)},
	}
}

// about is the callback about an order, or about one payment.
func (s *Simulator) about(orderNumber, paymentID string) (url.Values, error) {
	if paymentID != "" {
		return s.CallbackOf(paymentID)
	}
	return s.Callback(orderNumber)
}

// postCallback sends a callback to where the merchant's admin panel says,
// Options.CallbackURL.
func (s *Simulator) postCallback(w http.ResponseWriter, r *http.Request) {
	var body struct {
		OrderNumber string `json:"order_number"`
		PaymentID   string `json:"payment_id"`
	}
	if err := jsonhttp.Read(r, &body); err != nil {
		jsonhttp.Refuse(w, r, err)
		return
	}
	form, err := s.about(body.OrderNumber, body.PaymentID)
	if err == nil && s.callbackURL == nil {
		err = errors.New("simulated DineroPay: no callback URL is set")
	}
	if err != nil {
		jsonhttp.Refuse(w, r, err)
		return
	}
	status, text, err := post(r.Context(), s.callbackURL(), form)
	if err != nil {
		jsonhttp.Refuse(w, r, err)
		return
	}
	jsonhttp.Write(w, http.StatusOK, struct {
		Status int    `json:"status"`
		Body   string `json:"body"`
	}{status, text})
}

// getCallback shows the form of a callback, for those who want to send it in
// another way.
func (s *Simulator) getCallback(w http.ResponseWriter, r *http.Request) {
	form, err := s.about(r.URL.Query().Get("order_number"), r.URL.Query().Get("payment_id"))
	if err != nil {
		jsonhttp.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
	_, _ = io.WriteString(w, form.Encode()) //nolint:gosec // a form, and no page
}

func post(ctx context.Context, target string, form url.Values) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	return response.StatusCode, string(body), err
}
