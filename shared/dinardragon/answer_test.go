package dinardragon

import (
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/secrets"
)

// A variable of the environment must not be able to send the key elsewhere.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	require.Nil(t, newTransport(nil).Proxy)
}

func FuzzRead(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1}]}`},
		{201, `{"payments":[{"uniqueid":"a","status":0},{"uniqueid":"b","status":2},{"uniqueid":"a","status":0}]}`},
		{200, `{"code":200,"payments":[{"uniqueid":"a","status":7},{"uniqueid":"a","status":-7}]}`},
		{200, "{\n\"code\": 200, //OK\n\"payments\": [],\n}"},
		{200, `{"code":200,"code":200,"payments":[null]}`},
		{200, `null`},
		{400, `{"code":400,"error":"Missing API key in request headers."}`},
		{400, `{"code":400,"error":"No such payment"}`},
		{403, `<html>`},
		{429, ``},
		{307, ``},
		{500, `{"code":500,"error":"\u0000\u202e"}`},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		payments, fault := read(status, body)
		if fault != nil {
			require.Nil(t, payments)
			require.Equal(t, status, fault.HTTPStatus)
			require.NotZero(t, fault.Kind)
			fault.clean([]secrets.Text{secrets.NewText("key"), {}})
			require.NotContains(t, fault.Text, "\n")
			require.LessOrEqual(t, len([]rune(fault.Text)), maxText)
			require.NotEmpty(t, fault.Error())
			return
		}
		require.Contains(t, []int{http.StatusOK, http.StatusCreated}, status)
		require.NotEmpty(t, payments)

		// What was accepted reads the same when it is written again.
		again := wireAnswer{Code: &status}
		seen := make(map[string]bool)
		for i, p := range payments {
			require.False(t, seen[p.UniqueID], "each payment once")
			seen[p.UniqueID] = true
			require.NotZero(t, p.State)
			again.Payments = append(again.Payments, wirePayment{UniqueID: &payments[i].UniqueID, Status: &payments[i].Status})
		}
		encoded, err := json.Marshal(again)
		require.NoError(t, err)
		reread, fault := read(status, encoded)
		require.Nil(t, fault)
		require.Equal(t, payments, reread)
	})
}
