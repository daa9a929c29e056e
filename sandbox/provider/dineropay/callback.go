package dineropay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// Callback is the form that the provider posts to the merchant about the newest
// transaction of an order (platform's protocol, "callback"). Its hash covers the
// id and the order, and neither status nor type: whoever has seen one can send it
// again with another outcome.
func (s *Simulator) Callback(orderNumber string) (url.Values, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range slices.Backward(s.transactions) {
		if t.Order.Number != orderNumber {
			continue
		}
		status := map[string]string{settled: "success", declined: "fail"}[t.Status]
		if status == "" {
			status = "waiting"
		}
		return url.Values{
			"id":                      {t.PaymentID},
			"order_number":            {t.Order.Number},
			"order_amount":            {t.Order.Amount},
			"order_currency":          {t.Order.Currency},
			"order_description":       {t.Order.Description},
			"order_status":            {t.Status},
			"type":                    {"recurring"},
			"status":                  {status},
			"reason":                  {t.Reason},
			"recurring_init_trans_id": {t.InitTransID},
			"date":                    {t.At.Format(dateForm)},
			"hash":                    {sign(t.PaymentID, t.Order.Number, t.Order.Amount, t.Order.Currency, t.Order.Description, s.password)},
		}, nil
	}
	return nil, fmt.Errorf("simulated DineroPay: there is no transaction of order number %q", orderNumber)
}

// postCallback sends a callback to where the merchant's admin panel says,
// Options.CallbackURL.
func (s *Simulator) postCallback(w http.ResponseWriter, r *http.Request) {
	var body struct {
		OrderNumber string `json:"order_number"`
	}
	if err := jsonhttp.Read(r, &body); err != nil {
		jsonhttp.Refuse(w, r, err)
		return
	}
	form, err := s.Callback(body.OrderNumber)
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
	form, err := s.Callback(r.URL.Query().Get("order_number"))
	if err != nil {
		jsonhttp.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
	_, _ = io.WriteString(w, form.Encode())
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
