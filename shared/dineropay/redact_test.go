package dineropay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

func redactorOf(secrets ...string) redactor {
	var all []hidden.Text
	for _, s := range secrets {
		all = append(all, hidden.New(s))
	}
	return newRedactor("", all...)
}

func TestRedactedText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		secrets []string
		text    string
		want    string // of at most 20 characters
	}{
		{"no secrets", nil, "gift", "gift"},
		{"none of them in it", []string{"secret"}, "gift", "gift"},
		{"all of it", []string{"secret"}, "secret", "[hidden]"},
		{"within it", []string{"secret"}, "xsecretx", "x[hidden]x"},
		{"several times", []string{"secret"}, "secret, secret", "[hidden], [hidden]"},
		{"several secrets", []string{"secret", "token"}, "token secret", "[hidden] [hidden]"},
		{"in capitals", []string{"seCret"}, "SECRET Secret", "[hidden] [hidden]"},
		{"one that begins like another", []string{"secret", "secret-word"}, "secret-word secret", "[hidden] [hidden]"},
		{"one that is what an expression would be", []string{"s.*(+"}, "s.*(+ sxx(+", "[hidden] sxx(+"},
		{"in quotes", []string{`se"cr\et`}, `it is "se\"cr\\et"`, `it is "[hidden]"`},
		{"in Arabic", []string{"كلمة-السر"}, "(كلمة-السر)", "([hidden])"},
		{"one too short to be told from chance", []string{"abc", ""}, "abc", "abc"},
		{"not UTF-8", []string{"sec\xffret"}, "secret", "[hidden]"},
		{"cut only after that", []string{"secret"}, "12345678901234567secret", "12345678901234567[hi…"},
		{"too long", nil, "123456789012345678901", "12345678901234567890…"},
		{"as long as it may be", nil, "12345678901234567890", "12345678901234567890"},
		{"characters, not bytes", nil, "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠", "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, redactorOf(tt.secrets...).text(tt.text, 20))
		})
	}
}

func TestRedactedID(t *testing.T) {
	t.Parallel()
	uuid := theInitTransID
	for _, tt := range []struct {
		name    string
		secrets []string
		id      string
		want    string
	}{
		{"a UUID", []string{"secret"}, uuid, uuid},
		{"no id", []string{"secret"}, "", ""},
		{"no secrets", nil, "17", "17"},
		{"a UUID that ends like the token", []string{theToken}, uuid, uuid},
		{"a UUID that is a secret", []string{uuid}, uuid, ""},
		{"a UUID that is a secret, in capitals", []string{uuid}, strings.ToUpper(uuid), ""},
		{"a secret", []string{"secret"}, "secret", ""},
		{"a secret with more around it", []string{"secret"}, "id-secret", ""},
		{"a UUID and a secret", []string{"secret"}, uuid + "secret", ""},
		{"as long as it may be", nil, strings.Repeat("7", maxID), strings.Repeat("7", maxID)},
		{"too long", nil, strings.Repeat("7", maxID+1), ""},
		{"over two lines", nil, "1\n7", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, redactorOf(tt.secrets...).id(tt.id))
		})
	}
}

func TestRedactedAnswer(t *testing.T) {
	t.Parallel()
	got := redactorOf("secret").answer(charge.Answer{
		State: charge.Rejected, KeyRefused: true,
		PaymentID: "secret", Reason: "a secret", ProviderStatus: "b secret", ProviderDate: "c secret",
	})
	require.Equal(t, charge.Answer{
		State: charge.Rejected, KeyRefused: true,
		Reason: "a [hidden]", ProviderStatus: "b [hidden]", ProviderDate: "c [hidden]",
	}, got)
}
