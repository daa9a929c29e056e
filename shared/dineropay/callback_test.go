package dineropay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
)

const form = "application/x-www-form-urlencoded"

// callbackVector is a callback and what is to be made of it.
type callbackVector struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Body     string `json:"body"`
	Number   string `json:"number"`
	Signed   bool   `json:"signed"`
}

func callbackVectors(t testing.TB) []callbackVector {
	t.Helper()
	text, err := os.ReadFile("testdata/callbacks.json")
	require.NoError(t, err)
	var file struct {
		About   string           `json:"about"`
		Vectors []callbackVector `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(text, &file, json.RejectUnknownMembers(true)))
	require.NotEmpty(t, file.Vectors)
	return file.Vectors
}

func withPassword(password string) dineropay.Credentials {
	return dineropay.Credentials{MerchantKey: hidden.New("key"), Password: hidden.New(password)}
}

// Contract, Callback: the signature is the provider's, however it upper-cases: a form
// with ß, ŉ, ǰ, ﬁ or ΐ may be signed over full upper case ("SS").
func TestCallbackVectors(t *testing.T) {
	t.Parallel()
	for _, v := range callbackVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			callback, err := dineropay.ParseCallback([]byte(v.Body), form)
			require.NoError(t, err)
			require.Equal(t, v.Number, callback.Number)
			require.Equal(t, v.Signed, withPassword(v.Password).Signed(callback))
			require.False(t, withPassword("").Signed(callback), "no password signs nothing")
			require.False(t, dineropay.Credentials{}.Signed(callback))
		})
	}
	require.False(t, withPassword("b3c1f2e4-Pass").Signed(dineropay.Callback{}))
}

// Contract, Charges: a callback's signed id may name a payment that is not known here.
func TestACallbackNamesItsPayment(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"aaff66d8-4c62-11eb-b6a6-0242c0a87002": "aaff66d8-4c62-11eb-b6a6-0242c0a87002",
		"17":                                   "17",
		"":                                     "",
		"a b":                                  "",
		"a\nb":                                 "",
		"\xff":                                 "",
		"\u0661":                               "",
		strings.Repeat("7", 255):               strings.Repeat("7", 255),
		strings.Repeat("7", 256):               "",
	} {
		body := url.Values{
			"id": {id}, "order_number": {"n-1"}, "order_amount": {"1.00"}, "order_currency": {"SAR"}, "order_description": {"gift"},
			"order_status": {"settled"}, "type": {"recurring"}, "status": {"success"}, "hash": {"x"},
		}
		callback, err := dineropay.ParseCallback([]byte(body.Encode()), form)
		require.NoError(t, err)
		require.Equal(t, want, callback.PaymentID, "%q", id)
		require.Equal(t, "n-1", callback.Number)
	}
}

func TestCallbackContentTypes(t *testing.T) {
	t.Parallel()
	body := []byte(callbackVectors(t)[0].Body)
	for contentType, taken := range map[string]bool{
		form:                                   true,
		form + "; charset=UTF-8":               true,
		form + "; charset=":                    true,
		"Application/X-WWW-Form-URLEncoded":    true,
		"":                                     false,
		"text/plain":                           false,
		"application/json":                     false,
		"multipart/form-data; boundary=x":      false,
		"application/x-www-form-urlencoded-v2": false,
	} {
		_, err := dineropay.ParseCallback(body, contentType)
		if taken {
			require.NoError(t, err, contentType)
		} else {
			require.ErrorIs(t, err, dineropay.ErrNotForm, contentType)
		}
	}
}

func TestCallbackForms(t *testing.T) {
	t.Parallel()
	good := callbackVectors(t)[0].Body
	more := func(n int) string { return good + strings.Repeat("&customer_MARKED=MARKED", n) }
	fields := strings.Count(good, "&") + 1
	for _, tt := range []struct {
		name, body string
		faults     []string // nil: none
		whole      string
	}{
		{"unknown fields, repeated too", more(3), nil, ""},
		{"as many fields as may be", more(100 - fields), nil, ""},
		{"one field too many", more(101 - fields), nil, "more than 100 fields"},
		{"a broken escape", good + "&x=%MARKED", nil, "cannot be decoded"},
		{"a semicolon", good + ";MARKED=1", nil, "cannot be decoded"},
		{"empty", "", []string{
			"id is required", "order_number is required", "order_amount is required", "order_currency is required",
			"order_description is required", "order_status is required", "type is required", "status is required", "hash is required",
		}, ""},
		{"JSON", `{"id": "MARKED"}`, []string{"id is required"}, ""},
		{"another's brackets", strings.Replace(good, "order_number=", "order_number%5B%5D=", 1), []string{"order_number is required"}, ""},
		{"capitals", strings.Replace(good, "hash=", "HASH=", 1), []string{"hash is required"}, ""},
		{"a signed field twice", good + "&order_number=MARKED", []string{"order_number comes more than once"}, ""},
		{"the hash twice", good + "&hash=MARKED", []string{"hash comes more than once"}, ""},
		{"twice the same, differently escaped", good + "&order%5fstatus=settled", []string{"order_status comes more than once"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := dineropay.ParseCallback([]byte(tt.body), form)
			if tt.faults == nil && tt.whole == "" {
				require.NoError(t, err)
				return
			}
			var fault *dineropay.FormError
			require.ErrorAs(t, err, &fault)
			require.Contains(t, fault.Problem, tt.whole)
			require.NotContains(t, err.Error(), "MARKED")
			for i, want := range tt.faults {
				require.Equal(t, want, fault.Faults[i].Field+" "+fault.Faults[i].Message)
				require.Contains(t, err.Error(), want)
			}
		})
	}
	t.Run("each field once", func(t *testing.T) {
		t.Parallel()
		for field := range strings.SplitSeq(good, "&") {
			name, _, _ := strings.Cut(field, "=")
			for body, message := range map[string]string{
				strings.Replace("&"+good, "&"+field, "", 1): "is required",
				good + "&" + field:                          "comes more than once",
			} {
				_, err := dineropay.ParseCallback([]byte(body), form)
				var fault *dineropay.FormError
				require.ErrorAs(t, err, &fault, body)
				require.Len(t, fault.Faults, 1)
				require.Equal(t, name, fault.Faults[0].Field)
				require.Equal(t, message, fault.Faults[0].Message)
			}
		}
	})
}

func TestACallbackDoesNotPrintWhatItSigns(t *testing.T) {
	t.Parallel()
	body := "id=p-1&order_number=n-1&order_amount=MARKED&order_currency=MARKED&order_description=MARKED" +
		"&order_status=MARKED&type=MARKED&status=MARKED&hash=MARKED&customer_name=MARKED"
	callback, err := dineropay.ParseCallback([]byte(body), form)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		require.NotContains(t, fmt.Sprintf(verb, callback), "MARKED", verb)
		require.NotContains(t, fmt.Sprintf(verb, &callback), "MARKED", verb)
	}
}

// keyring is a secret: what Get gives is cached, Refresh reads anew.
type keyring struct {
	mu             sync.Mutex
	cached, latest dineropay.Credentials
	getErr, newErr error
	refreshes      int
}

var _ dineropay.Keys = (*keyring)(nil)

func (k *keyring) Get(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cached, k.getErr
}

func (k *keyring) Refresh(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refreshes++
	if k.newErr != nil {
		return dineropay.Credentials{}, k.newErr
	}
	k.cached = k.latest
	return k.cached, nil
}

func TestCallbackVerifier(t *testing.T) {
	t.Parallel()
	good, err := dineropay.ParseCallback([]byte(callbackVectors(t)[0].Body), form)
	require.NoError(t, err)
	right, other := withPassword("b3c1f2e4-Pass"), withPassword("another")
	var clock time.Time
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	set := func(k *keyring) *dineropay.CallbackVerifier {
		clock = start
		return dineropay.NewCallbackVerifier(k, func() time.Time { return clock })
	}

	k := &keyring{cached: right, latest: right}
	require.NoError(t, set(k).Verify(t.Context(), good))
	require.Zero(t, k.refreshes, "a good signature costs no read")

	k = &keyring{cached: other, latest: right}
	v := set(k)
	require.NoError(t, v.Verify(t.Context(), good), "the password was changed a moment ago")
	require.NoError(t, v.Verify(t.Context(), good))
	require.Equal(t, 1, k.refreshes)

	k = &keyring{cached: other, latest: other}
	v = set(k)
	for minute := range 3 {
		for range 100 {
			require.ErrorIs(t, v.Verify(t.Context(), good), dineropay.ErrNotSigned)
		}
		require.Equal(t, minute+1, k.refreshes, "once a minute, however many are forged")
		clock = clock.Add(59 * time.Second)
		require.ErrorIs(t, v.Verify(t.Context(), good), dineropay.ErrNotSigned)
		require.Equal(t, minute+1, k.refreshes)
		clock = clock.Add(time.Second)
	}
	k.latest = right
	require.NoError(t, v.Verify(t.Context(), good))

	// Where the password cannot be had nobody can tell.
	down := errors.New("secret cannot be read now")
	k = &keyring{getErr: down}
	require.ErrorIs(t, set(k).Verify(t.Context(), good), down)
	require.Zero(t, k.refreshes)
	k = &keyring{cached: other, newErr: down}
	v = set(k)
	require.ErrorIs(t, v.Verify(t.Context(), good), down)
	require.ErrorIs(t, v.Verify(t.Context(), good), dineropay.ErrNotSigned)
	require.Equal(t, 1, k.refreshes, "a read that failed counts too")
}

func TestManyForgedCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	forged, err := dineropay.ParseCallback([]byte(callbackVectors(t)[0].Body), form)
	require.NoError(t, err)
	k := &keyring{cached: withPassword("another"), latest: withPassword("another")}
	v := dineropay.NewCallbackVerifier(k, func() time.Time { return time.Unix(1, 0) })
	var wg sync.WaitGroup
	verdicts := make([]error, 50)
	for i := range verdicts {
		wg.Go(func() { verdicts[i] = v.Verify(t.Context(), forged) })
	}
	wg.Wait()
	for _, verdict := range verdicts {
		require.ErrorIs(t, verdict, dineropay.ErrNotSigned)
	}
	require.Equal(t, 1, k.refreshes)
}

// Whatever is sent: no panic; an error that quotes none of it, or a callback whose
// number is fit for a log. What net/url makes of the form is the measure.
func FuzzParseCallback(f *testing.F) {
	vectors := callbackVectors(f)
	for _, v := range vectors {
		f.Add([]byte(v.Body), form)
	}
	good := vectors[0].Body
	f.Add([]byte(good), "application/json")
	f.Add([]byte(good+"&hash=1"), form+"; charset=utf-8")
	f.Add([]byte(good+"&%zz=1"), form)
	f.Add([]byte(strings.Repeat("&", 100)), form)
	f.Add([]byte("id&order_number=%ff&order_amount=&order_currency=&order_description=%00&order_status&type&status&hash"), form)
	f.Add([]byte(nil), "")

	password := withPassword("b3c1f2e4-Pass")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		before := bytes.Clone(body)
		callback, err := dineropay.ParseCallback(body, contentType)
		require.Equal(t, before, body)
		if err != nil {
			var fault *dineropay.FormError
			require.True(t, errors.Is(err, dineropay.ErrNotForm) || errors.As(err, &fault), "%v", err)
			require.Less(t, len(err.Error()), 1000)
			require.Equal(t, dineropay.Callback{}, callback)
			return
		}
		values, err := url.ParseQuery(string(body))
		require.NoError(t, err)
		for _, name := range []string{
			"id", "order_number", "order_amount", "order_currency", "order_description", "order_status", "type", "status", "hash",
		} {
			require.Len(t, values[name], 1, name)
		}
		require.Regexp(t, `^[A-Za-z0-9-]{0,255}$`, callback.Number)
		if callback.Number != "" {
			require.Equal(t, values.Get("order_number"), callback.Number)
		}
		signed := password.Signed(callback)

		// What is not signed has no say, and what is written anew means the same.
		values.Set("status", "anything")
		values.Set("order_status", "else")
		again, err := dineropay.ParseCallback([]byte(values.Encode()), form)
		if err != nil { // without empty fields it can only have become shorter
			t.Fatalf("encoded anew: %v", err)
		}
		require.Equal(t, callback, again)
		require.Equal(t, signed, password.Signed(again))
	})
}
