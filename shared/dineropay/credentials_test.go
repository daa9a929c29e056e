package dineropay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value   string
		key, password string
		err           string // in the error; none if the value is taken
	}{
		{"as it is set", `{"merchant_key": "k-1", "merchant_password": "p-1"}`, "k-1", "p-1", ""},
		{"in another order", `{"merchant_password":"p-1","merchant_key":"k-1"}`, "k-1", "p-1", ""},
		{"with a line break at its end", "{\"merchant_key\":\"k\",\"merchant_password\":\"p\"}\n", "k", "p", ""},
		{"with a name of the operator's", `{"merchant_key":"k","merchant_password":"p","note":"live"}`, "k", "p", ""},
		{"symbols", `{"merchant_key":"k","merchant_password":"p@$$ \"\\<>&é"}`, "", "", "merchant_password"},
		{"symbols of ASCII", `{"merchant_key":"k","merchant_password":"p@$$ \"\\<>&"}`, "k", `p@$$ "\<>&`, ""},
		{"Arabic password", `{"merchant_key":"k","merchant_password":"كلمة"}`, "k", "كلمة", ""},

		{"empty", ``, "", "", "not the JSON object"},
		{"empty object", `{}`, "", "", "merchant_key is missing"},
		{"null", `null`, "", "", "merchant_key is missing"},
		{"a text", `"MARKED"`, "", "", "not the JSON object"},
		{"an array", `["MARKED","MARKED"]`, "", "", "not the JSON object"},
		{"the bare key", `MARKED-key`, "", "", "not the JSON object"},
		{"half of it", `{"merchant_key":"MARKED","merchant_pass`, "", "", "not the JSON object"},
		{"text after it", `{"merchant_key":"MARKED","merchant_password":"MARKED"} MARKED`, "", "", "not the JSON object"},
		{"twice", `{"merchant_key":"MARKED","merchant_key":"MARKED","merchant_password":"MARKED"}`, "", "", "not the JSON object"},
		{"not UTF-8", "{\"merchant_key\":\"MARKED\xff\",\"merchant_password\":\"MARKED\"}", "", "", "not the JSON object"},
		{"single quotes", `{'merchant_key':'MARKED','merchant_password':'MARKED'}`, "", "", "not the JSON object"},
		{"names in another case", `{"Merchant_Key":"MARKED","Merchant_Password":"MARKED"}`, "", "", "merchant_key is missing"},

		{"no key", `{"merchant_password":"MARKED"}`, "", "", "merchant_key is missing"},
		{"key empty", `{"merchant_key":"","merchant_password":"MARKED"}`, "", "", "merchant_key is missing"},
		{"key null", `{"merchant_key":null,"merchant_password":"MARKED"}`, "", "", "merchant_key is missing"},
		{"key a number", `{"merchant_key":4711,"merchant_password":"MARKED"}`, "", "", "not the JSON object"},
		{"no password", `{"merchant_key":"MARKED"}`, "", "", "merchant_password is missing"},
		{"password empty", `{"merchant_key":"MARKED","merchant_password":""}`, "", "", "merchant_password is missing"},
		{"password an object", `{"merchant_key":"MARKED","merchant_password":{"v":"MARKED"}}`, "", "", "not the JSON object"},

		{"key with a line break", `{"merchant_key":"MARKED\n","merchant_password":"MARKED"}`, "", "", "merchant_key begins or ends"},
		{"key with a blank before it", `{"merchant_key":" MARKED","merchant_password":"MARKED"}`, "", "", "merchant_key begins or ends"},
		{"password with a blank after it", `{"merchant_key":"MARKED","merchant_password":"MARKED "}`, "", "", "merchant_password begins or ends"},
		{"password with a hard blank after it", `{"merchant_key":"MARKED","merchant_password":"MARKED\u00a0"}`, "", "", "merchant_password begins or ends"},
		{"password with a wide blank before it", `{"merchant_key":"MARKED","merchant_password":"\u3000MARKED"}`, "", "", "merchant_password begins or ends"},
		{"password with a tab in it", `{"merchant_key":"MARKED","merchant_password":"MAR\tKED MARKED"}`, "", "", "merchant_password begins or ends"},
		{"password that is a blank", `{"merchant_key":"MARKED","merchant_password":" "}`, "", "", "merchant_password begins or ends"},
		{"password with a zero byte", `{"merchant_key":"MARKED","merchant_password":"MARKED\u0000"}`, "", "", "merchant_password begins or ends"},
		{"password with an ambiguous upper case", `{"merchant_key":"MARKED","merchant_password":"MARKEDß"}`, "", "", "merchant_password holds a character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseCredentials([]byte(tt.value))
			if tt.err == "" {
				require.NoError(t, err)
				require.Equal(t, tt.key, got.MerchantKey.Reveal())
				require.Equal(t, tt.password, got.Password.Reveal())
				return
			}
			require.ErrorContains(t, err, tt.err)
			require.Zero(t, got)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "MARKED")
			require.NotContains(t, err.Error(), "4711")
			require.NotContains(t, err.Error(), "ß")
		})
	}
}

func TestCredentialsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c, err := ParseCredentials([]byte(`{"merchant_key":"MARKED-key","merchant_password":"MARKED-password"}`))
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed := fmt.Sprintf(verb, c)
		require.NotContains(t, printed, "MARKED")
		require.NotContains(t, strings.ToUpper(printed), fmt.Sprintf("%X", "MARKED"))
	}
}
