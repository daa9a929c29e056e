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

// Contract, HTTP API: "No answer and no log line ever holds … a whole token." Of a
// token that is not at hand the end is known, and what may be it is not shown.
func TestATokenOfWhichOnlyTheEndIsKnown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Recurring token tok-pending-4f1c09d2a7e3 was revoked": "Recurring token [hidden] was revoked",
		"TOK-PENDING-4F1C09D2A7E3":                             "[hidden]",
		"(tok-pending-4f1c09d2a7e3), revoked":                  "[hidden]), revoked",
		"token=tok-4f1c09d2a7e3;x":                             "[hidden];x",
		"4f1ca7e3":                                             "[hidden]",
		"f1ca7e3":                                              "f1ca7e3", // too short for a token
		"a7e3":                                                 "a7e3",
		"…a7e3":                                                "…a7e3", // as it is shown by ourselves
		"card a7e3 declined":                                   "card a7e3 declined",
		"123456789 a7e3":                                       "123456789 a7e3",
		"12345678\u00a0a7e3":                                   "12345678\u00a0a7e3",
		"12345678a7e4":                                         "12345678a7e4",
		"tok-1-a7e3 tok-2-xa7e3":                               "[hidden] [hidden]",
		"رمز-البطاقة-a7e3":                                     "[hidden]",
	} {
		require.Equal(t, want, newRedactor("a7e3").text(text, 100), text)
	}
	r := newRedactor("7002", hidden.New("secret"))
	require.Equal(t, "[hidden] and [hidden], gone", r.text("9a2f-0242c0a87002 and SECRET, gone", 100))
	require.Equal(t, theInitTransID, r.id(theInitTransID), "a UUID is kept")
	require.Empty(t, r.id("9a2f-0242c0a87002"))
	require.Equal(t, "17", r.id("17"))
	require.Equal(t, "12345678", newRedactor("").text("12345678", 100), "no end is nobody's")

	// A documented status is no token, however one may end.
	got := newRedactor("back").answer(charge.Answer{ProviderStatus: "chargeback", Reason: "tok-chargeback"})
	require.Equal(t, charge.Answer{ProviderStatus: "chargeback", Reason: "[hidden]"}, got)
}

// Wherever a text is cut, no part of a secret is left over.
func TestASecretIsNotCutInTwo(t *testing.T) {
	t.Parallel()
	const secret = "MARKED-secret-of-some-length-4711"
	for _, r := range []redactor{redactorOf(secret), newRedactor("4711")} {
		for before := range 80 {
			for _, after := range []int{0, 1, 10_000} {
				// Several of them make the text shorter, so that what was beyond its end comes
				// into it.
				for _, times := range []int{1, 5, 100} {
					text := strings.Repeat("é ", before/2) + strings.Repeat("é", before%2) + strings.Repeat(" "+secret, times) + strings.Repeat(" x", after)
					got := r.text(text, 40)
					require.NotContains(t, got, "MARK", text)
					require.NotContains(t, got, "4711", text)
					require.LessOrEqual(t, len([]rune(got)), 41)
				}
			}
		}
	}
}
