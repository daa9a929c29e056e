package dineropay_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
	product "dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
)

// The callback that the simulator posts is one that the bundle believes: two
// implementations of the signature agree.
func TestACallbackIsPostedAndSigned(t *testing.T) {
	t.Parallel()
	var got []*http.Request
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil {
			got = append(got, r)
		}
		_, _ = w.Write([]byte("OK"))
	}))
	t.Cleanup(merchant.Close)
	b := start(t, dineropay.Options{CallbackURL: func() string { return merchant.URL + "/callbacks/dineropay" }})

	ask := func(body string) (int, string) {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sandbox/callbacks", strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	status, _ := ask(`{"order_number": "order-1"}`)
	require.Equal(t, http.StatusBadRequest, status, "there is no such transaction")

	keys := product.Credentials{MerchantKey: hidden.New(key), Password: hidden.New(password)}
	terms, err := product.NewTerms(product.Request{
		InitTransID: initID, Token: token, Number: "order-1", Amount: "1.00", Currency: "SAR", Description: "gift",
	})
	require.NoError(t, err)
	require.Equal(t, charge.Settled, chargeAt(t, b.URL, keys, terms).State)

	status, text := ask(`{"order_number": "order-1"}`)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"status": 200, "body": "OK"}`, text)
	require.Len(t, got, 1)
	require.Equal(t, "success", got[0].PostForm.Get("status"))
	callback, err := product.ParseCallback([]byte(got[0].PostForm.Encode()), got[0].Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "order-1", callback.Number)
	require.True(t, keys.Signed(callback))
}

type fixedKeys struct{ product.Credentials }

func (k fixedKeys) Get(context.Context) (product.Credentials, error)     { return k.Credentials, nil }
func (k fixedKeys) Refresh(context.Context) (product.Credentials, error) { return k.Credentials, nil }

func chargeAt(t *testing.T, base string, keys product.Credentials, terms charge.Terms) charge.Answer {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	return product.New(u, fixedKeys{keys}, product.Options{}).Charge(t.Context(), terms)
}
