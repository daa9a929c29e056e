package dineropay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"dinarfunctions/shared/charge"
)

func TestNewTermsTakesARequestAsItIs(t *testing.T) {
	t.Parallel()
	r := theRequest()
	r.ScheduleID = "57fddecf-17b9-4d38-9320-a670f0c29ec0"
	terms, err := NewTerms(r)
	require.NoError(t, err)
	require.Equal(t, theNumber, terms.Order.Number)
	require.Equal(t, "1.00", terms.Order.Amount.String())
	require.Equal(t, "SAR", terms.Order.Amount.Currency())
	require.Equal(t, "gift", terms.Order.Description)
	require.Equal(t, theInitTransID, terms.InitTransID)
	require.Equal(t, theToken, terms.Token.Reveal())
	require.Equal(t, r.ScheduleID, terms.ScheduleID)
}

// How many decimals a currency has on the wire (DineroPay, and ISO 4217 where it
// says nothing).
func TestDecimalsOfCurrencies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		currency string
		one      string
	}{
		{"SAR", "1.00"}, {"AED", "1.00"}, {"USD", "1.00"}, {"EUR", "1.00"}, {"EGP", "1.00"}, {"LBP", "1.00"}, {"SYP", "1.00"},
		{"BHD", "1.000"}, {"JOD", "1.000"}, {"KWD", "1.000"}, {"OMR", "1.000"}, {"TND", "1.000"},
		{"IQD", "1.000"}, {"LYD", "1.000"}, // CLDR's customary decimals are 0
		{"UGX", "1.00"}, {"JPY", "1.00"}, {"KRW", "1.00"}, {"CLP", "1.00"}, // ISO 4217 says 0
		{"VND", "1"}, {"ISK", "1"}, {"DJF", "1"}, {"XAF", "1"}, {"XOF", "1"},
		{"CLF", ""}, {"XAU", ""}, {"XTS", ""}, {"XXX", ""}, // funds, metals, tests
		{"", ""}, {"sar", ""}, {"Sar", ""}, {"SAR ", ""}, {" SAR", ""}, {"SAR AED", ""}, {"SA", ""}, {"SARR", ""}, {"682", ""}, {"ريال", ""}, {"ЅAR", ""},
	} {
		t.Run(fmt.Sprintf("%q", tt.currency), func(t *testing.T) {
			t.Parallel()
			r := theRequest()
			r.Amount, r.Currency = "1", tt.currency
			terms, err := NewTerms(r)
			if tt.one == "" {
				requireFaults(t, err, "order.currency")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.one, terms.Order.Amount.String())
			require.Equal(t, tt.currency, terms.Order.Amount.Currency())
		})
	}
}

func TestTheListOfCurrenciesIsSound(t *testing.T) {
	t.Parallel()
	var all []string
	for _, group := range currencies {
		codes := strings.Fields(group.codes)
		require.True(t, slices.IsSorted(codes), "%d decimals", group.decimals)
		all = append(all, codes...)
	}
	for _, code := range all {
		require.Regexp(t, `^[A-Z]{3}$`, code)
	}
	slices.Sort(all)
	require.Len(t, slices.Compact(slices.Clone(all)), len(all), "a code that stands in two groups")
}

// requireFaults checks that an error blames these fields and no others, and
// returns the faults.
func requireFaults(t testing.TB, err error, fields ...string) []charge.Fault {
	t.Helper()
	var invalid *charge.InvalidError
	require.ErrorAs(t, err, &invalid)
	var blamed []string
	for _, f := range invalid.Faults {
		require.NotEmpty(t, f.Message)
		blamed = append(blamed, f.Field)
	}
	require.ElementsMatch(t, fields, blamed)
	return invalid.Faults
}

func TestNewTermsChecksEachField(t *testing.T) {
	t.Parallel()
	number := func(v string) func(*Request) { return func(r *Request) { r.Number = v } }
	amount := func(v string) func(*Request) { return func(r *Request) { r.Amount = v } }
	money := func(v, currency string) func(*Request) {
		return func(r *Request) { r.Amount, r.Currency = v, currency }
	}
	description := func(v string) func(*Request) { return func(r *Request) { r.Description = v } }
	token := func(v string) func(*Request) { return func(r *Request) { r.Token = v } }
	initTransID := func(v string) func(*Request) { return func(r *Request) { r.InitTransID = v } }
	schedule := func(v string) func(*Request) { return func(r *Request) { r.ScheduleID = v } }

	for _, tt := range []struct {
		name   string
		change func(*Request)
		field  string // at fault; none if the request is taken
	}{
		{"number of one character", number("a"), ""},
		{"number of all that it may hold", number("abcxyzABCXYZ0123456789-"), ""},
		{"number of 255 characters", number(strings.Repeat("n", 255)), ""},
		{"number of 256 characters", number(strings.Repeat("n", 256)), "order.number"},
		{"no number", number(""), "order.number"},
		{"number with a blank", number("order 1"), "order.number"},
		{"number with an underscore", number("order_1"), "order.number"},
		{"number with a point", number("order.1"), "order.number"},
		{"number with a slash", number("order/1"), "order.number"},
		{"number with a line break at its end", number("order-1\n"), "order.number"},
		{"number with a zero byte", number("order\x001"), "order.number"},
		{"number in Arabic digits", number("١٢٣"), "order.number"},
		{"number with a Cyrillic letter", number("\u043erder-1"), "order.number"},
		{"number with a dash that is no hyphen", number("order–1"), "order.number"},

		{"amount without decimals", amount("1"), ""},
		{"amount with one decimal", amount("1.5"), ""},
		{"smallest amount", amount("0.01"), ""},
		{"largest amount", amount("999999999999.99"), ""},
		{"no amount", amount(""), "order.amount"},
		{"nothing", amount("0"), "order.amount"},
		{"nothing, in decimals", amount("0.00"), "order.amount"},
		{"less than nothing", amount("-1"), "order.amount"},
		{"a decimal too many", amount("1.001"), "order.amount"},
		{"a zero too many", amount("1.000"), "order.amount"},
		{"a digit too many", amount("1000000000000"), "order.amount"},
		{"amount with a sign", amount("+1"), "order.amount"},
		{"amount with a comma", amount("1,00"), "order.amount"},
		{"amount with an exponent", amount("1e2"), "order.amount"},
		{"amount with a leading zero", amount("01.00"), "order.amount"},
		{"amount without a whole part", amount(".50"), "order.amount"},
		{"amount with a blank", amount(" 1.00"), "order.amount"},
		{"amount in Arabic digits", amount("١٫٠٠"), "order.amount"},
		{"three decimals where there are three", money("1.001", "KWD"), ""},
		{"four decimals where there are three", money("1.0001", "KWD"), "order.amount"},
		{"two decimals where ISO 4217 says none", money("100.00", "JPY"), ""},
		{"three decimals where the wire has two", money("100.001", "CLP"), "order.amount"},
		{"yen and a half", money("80.5", "JPY"), "order.amount"},
		{"yen and a hundredth", money("80.01", "JPY"), "order.amount"},
		{"less than a yen", money("0.50", "JPY"), "order.amount"},
		{"yen and nothing", money("80.0", "JPY"), ""},
		{"yen", money("80", "JPY"), ""},
		{"won and a half", money("80.5", "KRW"), "order.amount"},
		{"won and nothing", money("80.00", "KRW"), ""},
		{"shillings and a half", money("80.5", "UGX"), "order.amount"},
		{"shillings and nothing", money("80.00", "UGX"), ""},
		{"pesos and a half", money("80.5", "CLP"), "order.amount"},
		{"pesos and nothing", money("80.00", "CLP"), ""},
		{"riyals and a half", money("80.5", "SAR"), ""},
		{"Iraqi dinars and a half", money("80.5", "IQD"), ""},
		{"one decimal where there is none", money("1.0", "VND"), "order.amount"},
		{"an integer where there are no decimals", money("1", "ISK"), ""},

		{"description of 2 characters", description("ab"), ""},
		{"description of 1 character", description("a"), "order.description"},
		{"description of 1 character of 4 bytes", description("🎁"), "order.description"},
		{"description of 2 characters of 4 bytes", description("🎁🎁"), ""},
		{"no description", description(""), "order.description"},
		{"description of 1024 characters", description(strings.Repeat("d", 1024)), ""},
		{"description of 1024 characters of 2 bytes", description(strings.Repeat("ش", 1024)), ""},
		{"description of 1025 characters", description(strings.Repeat("d", 1025)), "order.description"},
		{"description in Arabic", description("اشتراك شهري في النادي، رقم ١٢"), ""},
		{"description in Chinese", description("月额计划"), ""},
		{"description in Hebrew", description("מנוי חודשי"), ""},
		{"description in Greek capitals", description("ΔΩΡΟ"), ""},
		{"description in ASCII", description("a Gift, 100% \"yours\" & <more> \\ /"), ""},
		{"description with a tab", description("a\tb"), "order.description"},
		{"description with a line break", description("a\r\nb"), "order.description"},
		{"description with a zero byte", description("a\x00b"), "order.description"},
		{"description with a delete", description("a\x7fb"), "order.description"},
		{"description with a next line", description("a\u0085b"), "order.description"},
		{"description that is not UTF-8", description("a\xffb"), "order.description"},
		{"description with a replacement character", description("a\ufffdb"), "order.description"},
		{"description in French", description("café"), "order.description"},
		{"description in Georgian", description("საჩუქარი"), "order.description"},
		{"description in full-width letters", description("ｇｉｆｔ"), "order.description"},

		{"token of 255 characters", token(strings.Repeat("t", 255)), ""},
		{"token of 256 characters", token(strings.Repeat("t", 256)), "recurring_token"},
		{"token of all printable ASCII", token("!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"), ""},
		{"no token", token(""), "recurring_token"},
		{"token with a blank", token("tok en"), "recurring_token"},
		{"token with a line break", token("token\n"), "recurring_token"},
		{"token with a delete", token("token\x7f"), "recurring_token"},
		{"token outside ASCII", token("tokén"), "recurring_token"},
		{"token that is not UTF-8", token("token\xff"), "recurring_token"},

		{"no first transaction", initTransID(""), "recurring_init_trans_id"},
		{"first transaction in capitals", initTransID(strings.ToUpper(theInitTransID)), ""},
		{"first transaction with a blank", initTransID(theInitTransID + " "), "recurring_init_trans_id"},
		{"first transaction of 256 characters", initTransID(strings.Repeat("1", 256)), "recurring_init_trans_id"},

		{"first transaction that is no UUID", initTransID("abc"), "recurring_init_trans_id"},
		{"first transaction without hyphens", initTransID(strings.ReplaceAll(theInitTransID, "-", "")), "recurring_init_trans_id"},
		{"first transaction in braces", initTransID("{" + theInitTransID + "}"), "recurring_init_trans_id"},
		{"first transaction with a digit too many", initTransID(theInitTransID + "0"), "recurring_init_trans_id"},
		{"first transaction with a letter that is no digit", initTransID("g" + theInitTransID[1:]), "recurring_init_trans_id"},
		{"first transaction with a line break at its end", initTransID(theInitTransID + "\n"), "recurring_init_trans_id"},
		{"schedule that is no UUID", schedule("monthly"), "schedule_id"},
		{"schedule in capitals", schedule("57FDDECF-17B9-4D38-9320-A670F0C29EC0"), ""},

		{"no schedule", schedule(""), ""},
		{"a schedule", schedule("57fddecf-17b9-4d38-9320-a670f0c29ec0"), ""},
		{"schedule with a blank", schedule(" "), "schedule_id"},
		{"schedule of 256 characters", schedule(strings.Repeat("1", 256)), "schedule_id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := theRequest()
			tt.change(&r)
			terms, err := NewTerms(r)
			if tt.field == "" {
				require.NoError(t, err)
				return
			}
			requireFaults(t, err, tt.field)
			require.Zero(t, terms)
		})
	}
}

// Contract, Charges: "where ISO 4217 gives a currency no decimals and the wire wants
// two (JPY, KRW, UGX, CLP), only a whole amount is taken", and
// "recurring_init_trans_id and schedule_id are UUIDs". The wire keeps its decimals, and
// a message says what would be taken.
func TestWholeAmountsAndUUIDs(t *testing.T) {
	t.Parallel()
	for _, currency := range []string{"CLP", "JPY", "KRW", "UGX"} {
		for _, amount := range []string{"80", "80.0", "80.00"} {
			r := theRequest()
			r.Amount, r.Currency = amount, currency
			require.Equal(t, "80.00", termsOf(t, r).Order.Amount.String(), currency)
		}
	}
	r := theRequest()
	r.Amount, r.Currency, r.InitTransID, r.ScheduleID = "80.5", "JPY", "abc", "abc"
	_, err := NewTerms(r)
	faults := requireFaults(t, err, "order.amount", "recurring_init_trans_id", "schedule_id")
	for _, f := range faults {
		if f.Field == "order.amount" {
			require.Equal(t, "must be a whole amount: JPY has no decimals", f.Message)
			continue
		}
		_, example, found := strings.Cut(f.Message, "must be a UUID such as ")
		require.True(t, found, f.Message)
		r.InitTransID, r.ScheduleID = example, example
	}
	r.Amount = "80"
	require.Equal(t, r.ScheduleID, termsOf(t, r).ScheduleID, "the example is one")
}

func TestNewTermsTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	every := []string{"recurring_init_trans_id", "recurring_token", "order.number", "order.amount", "order.currency", "order.description"}

	_, err := NewTerms(Request{})
	requireFaults(t, err, every...)

	_, err = NewTerms(Request{
		InitTransID: "\n", Token: "\n", ScheduleID: "\n", Number: "\n", Amount: "\n", Currency: "\n", Description: "\n",
	})
	for _, f := range requireFaults(t, err, append(every, "schedule_id")...) {
		require.Contains(t, err.Error(), f.Field+" "+f.Message)
	}
}

func TestNewTermsNeverRepeatsAToken(t *testing.T) {
	t.Parallel()
	const marked = "MARKED-token-4711"
	for name, token := range map[string]string{
		"too long": strings.Repeat(marked, 20),
		"blank":    marked + " ",
		"foreign":  marked + "é",
		"fine":     marked,
	} {
		_, err := NewTerms(Request{Token: token})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), marked, name)
		require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), marked, name)
	}
}

// A text whose ASCII and Unicode upper case differ has no one signature. The
// message names the field and the character.
func TestAmbiguousUpperCaseIsRefused(t *testing.T) {
	t.Parallel()
	for _, ambiguous := range []rune{
		'ß', 'é', 'ﬁ', 'ŉ', 'ı', 'ÿ', 'µ', 'ſ', 'ǅ', 'ǰ', 'ΐ', 'ς', 'ᾳ', 'ᾼ', 'я', 'ա', 'և', 'ა', 'ｚ', 'ⅷ', 'ⓐ',
		'ĸ',      // a lower-case letter without an upper case, so far
		'\u0345', // a combining mark with one
		'𐐨',
	} {
		t.Run(string(ambiguous), func(t *testing.T) {
			t.Parallel()
			r := theRequest()
			r.Description = "a gift " + string(ambiguous)
			_, err := NewTerms(r)
			fault := requireFaults(t, err, "order.description")[0]
			require.Contains(t, fault.Message, string(ambiguous))
			require.Contains(t, fault.Message, fmt.Sprintf("U+%04X", ambiguous))
		})
	}
	for _, safe := range []rune{'İ', 'É', 'ẞ', 'Я', 'Ა', 'ش', '٣', '漢', 'あ', '한', '🎁', '€', '\u00a0', '\u0301', '\u200f'} {
		r := theRequest()
		r.Description = "a gift " + string(safe)
		_, err := NewTerms(r)
		require.NoError(t, err, "U+%04X", safe)
	}
}

// Over the whole of Unicode: what passes has the same upper case by ASCII's
// rule and by Unicode's, with special casing ("ß" is "SS") included, and strings
// and x/text agree on it.
func TestCheckUpperCaseOverAllRunes(t *testing.T) {
	t.Parallel()
	unicodeUpper := cases.Upper(language.Und)
	passed := 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		text := string(r)
		if checkUpperCase(text) != nil {
			require.GreaterOrEqual(t, r, rune(utf8.RuneSelf), "ASCII has one upper case: U+%04X", r)
			continue
		}
		passed++
		ascii := strings.Map(asciiUpper, text)
		if unicodeUpper.String(text) != ascii || strings.ToUpper(text) != ascii {
			t.Errorf("U+%04X passes, but its upper case is %q by ASCII, %q by Unicode, %q by strings.ToUpper",
				r, ascii, unicodeUpper.String(text), strings.ToUpper(text))
		}
	}
	require.Greater(t, passed, 1_000_000, "most of Unicode has no case")
}

func asciiUpper(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}
