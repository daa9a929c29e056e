package dineropay

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/hidden"
)

// hostile are answers of the greatest length that is read, and bodies that would cost
// much if they were not bounded.
func hostile() map[string]string {
	const size = maxAnswer
	fill := func(before, with, after string) string {
		return before + strings.Repeat(with, (size-len(before)-len(after))/len(with)) + after
	}
	nest := func(open, inner, end string, levels int) string {
		return strings.Repeat(open, levels) + inner + strings.Repeat(end, levels)
	}
	order := `,"order":` + theOrder + `}`
	return map[string]string{
		"a token":               fill(`{"status":"declined","recurring_token":"`, "ab", `","reason":"no"`+order),
		"a token of letters":    fill(`{"status":"declined","recurring_token":"`, "k", `","reason":"no"`+order),
		"many tokens":           fill(`{"status":"declined"`, `,"recurring_token":"tok-12345678"`, `,"reason":"tok-12345678"`+order),
		"many other tokens":     fill(`{"status":"declined"`, `,"recurring_token":"`+strings.Repeat("a", maxID)+`"`, order),
		"a reason":              fill(`{"status":"declined","reason":"`, "a", `b"`+order),
		"a reason of ends":      fill(`{"status":"declined","reason":"`, "7002", `"`+order),
		"a reason of bad bytes": fill(`{"status":"declined","reason":"`, "\xff", `"`+order),
		"a reason of halves":    fill(`{"status":"declined","reason":"`, `\ud83d`, `"`+order),
		"a status":              fill(`{"status":"`, "settled", `"`+order),
		"a date":                fill(`{"status":"settled","date":"`, "2", `"`+order),
		"a payment_id":          fill(`{"status":"settled","payment_id":"`, "2", `"`+order),
		"an order number":       fill(`{"status":"settled","order":{"number":"`, "1", `"}}`),
		"an amount":             fill(`{"status":"settled","order":{"number":"order-1234","amount":`, "1", `}}`),
		"an amount's fraction":  fill(`{"status":"settled","order":{"number":"order-1234","amount":0.`, "1", `}}`),
		"an exponent":           fill(`{"status":"settled","order":{"number":"order-1234","amount":1e`, "9", `}}`),
		"a name":                fill(`{"`, "n", `":1,"status":"settled"`+order),
		"many names":            fill(`{"status":"settled"`, `,"n":1`, order),
		"the status often":      fill(`{"status":"settled"`, `,"status":"settled"`, order),
		"the order often":       fill(`{"status":"settled","order":`+theOrder, `,"order":`+theOrder, `}`),
		"many errors":           fill(`{"error_code":100000,"errors":[""`, `,"hash: no"`, `]}`),
		"many error objects":    fill(`{"errors":[{}`, `,{"error_message":"a"}`, `]}`),
		"many fields":           fill(`{"errors":{"a":""`, `,"a":"b"`, `}}`),
		"a long field":          fill(`{"errors":{"`, "f", `":["a","b","c","d"]}}`),
		"the errors often":      fill(`{"errors":["a"]`, `,"errors":["a"]`, `}`),
		"deep errors":           nest(`{"error_message":"a","errors":`, `"b"`, `}`, 9_000),
		"deep fields":           nest(`{"errors":{"field":`, `"b"`, `}}`, 4_000),
		"deep lists":            `{"errors":` + nest(`[`, `"b"`, `]`, 9_000) + `}`,
		"deep in what is not read": `{"status":"settled","x":` + nest(`[`, ``, `]`, 9_000) +
			order,
		"deeper than any":       nest(`{"order":`, `1`, `}`, 100_000),
		"lists deeper than any": nest(`[`, ``, `]`, 500_000),
		"open without an end":   strings.Repeat(`[`, size),
		"names without an end":  strings.Repeat(`{"errors":`, size/10),
		"payment_id often":      fill(`{"x":""`, `,"payment_id":""`, `}`),
		"payment_id in a text":  fill(`{"error_code":100000,"error_message":"`, `payment_id`, `"}`),
		"nothing":               strings.Repeat("\x00", size),
		"blanks":                strings.Repeat(" ", size),
	}
}

// Contract, Charges: "An answer of up to 1 MiB does no harm, whatever is in it." What is
// allocated to read it once is a small multiple of it, and every text is short
// before secrets are looked for in it.
func TestALongAnswerDoesNoHarm(t *testing.T) { // not parallel: it measures what is allocated
	order, query := theTerms(t).Order, byNumber(t)
	redact := newRedactor("7002", hidden.New(strings.Repeat("a", maxID-1)+"b"), hidden.New(theMerchantKey))
	// Each with the HTTP statuses that it treats differently.
	statuses := map[string][]int{"charge": {200, 400, 401}, "status": {200, 404}, "key": {400}, "tokens": {200}}
	readings := map[string]func(status int, answer []byte) []string{
		"charge": func(status int, answer []byte) []string {
			a := redact.answer(readCharge(order, status, answer))
			requireFit(t, a)
			return []string{a.Reason}
		},
		"status": func(status int, answer []byte) []string {
			s := readStatus(query, status, answer)
			requireFit(t, redact.answer(s.Answer))
			return []string{redact.text(s.Reason, maxReason), redact.answer(s.Answer).Differs}
		},
		"key": func(status int, answer []byte) []string { keyRefused(status, answer); return nil },
		"tokens": func(_ int, answer []byte) []string {
			tokens := tokensIn(answer)
			require.LessOrEqual(t, len(tokens), maxTokens)
			return tokens
		},
	}
	for name, body := range hostile() {
		answer := []byte(body)
		require.LessOrEqual(t, len(answer), maxAnswer, name)
		for of, read := range readings {
			for _, status := range statuses[of] {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for _, text := range read(status, answer) {
					require.LessOrEqual(t, len([]rune(text)), maxReason+1, name)
				}
				runtime.ReadMemStats(&after)
				if got := after.TotalAlloc - before.TotalAlloc; got > 32*maxAnswer {
					t.Errorf("%s, %s %d: %d bytes are allocated", name, of, status, got)
				}
			}
		}
	}
}
