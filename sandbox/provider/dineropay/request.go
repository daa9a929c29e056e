package dineropay

import (
	"crypto/md5" //nolint:gosec // the provider's protocol, see sign
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the provider's protocol, see sign
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// chargeRequest is the body of a charge (DineroPay, recurring).
type chargeRequest struct {
	MerchantKey string `json:"merchant_key"`
	InitTransID string `json:"recurring_init_trans_id"`
	Token       string `json:"recurring_token"`
	ScheduleID  string `json:"schedule_id"`
	Hash        string `json:"hash"`
	Order       Order  `json:"order"`
}

// statusRequest is the body of a status request (platform's protocol).
type statusRequest struct {
	MerchantKey string `json:"merchant_key"`
	PaymentID   string `json:"payment_id"`
	OrderID     string `json:"order_id"`
	Hash        string `json:"hash"`
}

const (
	maxNumber      = 255
	minDescription = 2
	maxDescription = 1024
	blank          = "This value should not be blank."
	// unsaved in a token makes it one of a card that nobody saved: it is refused.
	unsaved = "unsaved"
)

var (
	uuidForm     = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	numberForm   = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)
	amountForm   = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,15})?$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

func readCharge(r *http.Request) (chargeRequest, []providerError) {
	var request chargeRequest
	return request, read(r, &request)
}

func readStatus(r *http.Request) (statusRequest, []providerError) {
	var request statusRequest
	return request, read(r, &request)
}

func read(r *http.Request, into any) []providerError {
	var faults []providerError
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		faults = append(faults, fieldError("Content-Type", "This value should be application/json."))
	}
	if !acceptsJSON(r.Header.Values("Accept")) {
		faults = append(faults, fieldError("Accept", "This value should be application/json."))
	}
	// The body is read in any case, so that the request is counted under its
	// order number.
	var fault *jsonhttp.Error
	if err := jsonhttp.Read(r, into); errors.As(err, &fault) {
		faults = append(faults, providerError{Code: requestInvalid, Message: fault.Error()})
	}
	return faults
}

func acceptsJSON(values []string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if media, _, err := mime.ParseMediaType(part); err == nil && media == "application/json" {
				return true
			}
		}
	}
	return false
}

// check returns everything that the provider finds wrong with a charge request,
// or nil.
func (q chargeRequest) check(key, password string) []providerError {
	var c checks
	c.uuid("recurring_init_trans_id", q.InitTransID, true)
	if c.that("recurring_token", q.Token != "", blank) {
		c.that("recurring_token", !strings.Contains(strings.ToLower(q.Token), unsaved), "This value is not valid.")
	}
	c.uuid("schedule_id", q.ScheduleID, false)
	c.number("order.number", q.Order.Number)
	c.amount("order.amount", q.Order)
	if c.that("order.currency", q.Order.Currency != "", blank) {
		c.that("order.currency", currencyForm.MatchString(q.Order.Currency), "This value is not a valid currency code.")
	}
	length := utf8.RuneCountInString(q.Order.Description)
	if c.that("order.description", length > 0, blank) {
		c.that("order.description", length >= minDescription && length <= maxDescription,
			fmt.Sprintf("This value should have %d to %d characters.", minDescription, maxDescription))
	}
	c.credentials(q.MerchantKey, key, q.Hash, sign(q.InitTransID, q.Token, q.Order.Number, q.Order.Amount, q.Order.Description, password))
	return c
}

// check returns everything that the provider finds wrong with a status request,
// or nil.
func (q statusRequest) check(key, password string) []providerError {
	var c checks
	switch {
	case q.PaymentID != "" && q.OrderID != "":
		c.that("order_id", false, "This value should not be there beside payment_id.")
	case q.OrderID != "":
		c.number("order_id", q.OrderID)
	default:
		c.uuid("payment_id", q.PaymentID, true)
	}
	c.credentials(q.MerchantKey, key, q.Hash, sign(q.PaymentID+q.OrderID, password))
	return c
}

// checks gathers what is wrong.
type checks []providerError

func (c *checks) that(field string, ok bool, message string) bool {
	if !ok {
		*c = append(*c, fieldError(field, message))
	}
	return ok
}

func (c *checks) uuid(field, value string, required bool) {
	if value == "" && !required {
		return
	}
	if c.that(field, value != "", blank) {
		c.that(field, uuidForm.MatchString(value), "This is not a valid UUID.")
	}
}

func (c *checks) number(field, value string) {
	if c.that(field, value != "", blank) {
		c.that(field, len(value) <= maxNumber, fmt.Sprintf("This value is too long. It should have %d characters or less.", maxNumber))
		c.that(field, numberForm.MatchString(value), "This value is not valid.")
	}
}

func (c *checks) amount(field string, order Order) {
	if !c.that(field, order.Amount != "", blank) ||
		!c.that(field, amountForm.MatchString(order.Amount), "This value is not a valid amount.") {
		return
	}
	amount, most := decimal.RequireFromString(order.Amount), decimals(order.Currency)
	c.that(field, amount.IsPositive(), "This value should be greater than 0.")
	c.that(field, -amount.Exponent() <= most, fmt.Sprintf("This value should have at most %d decimals.", most))
}

func (c *checks) credentials(key, ownKey, hash, ownHash string) {
	if !c.that("merchant_key", key != "", blank) {
		return
	}
	// A hash cannot be checked for a merchant who is not known.
	if c.that("merchant_key", key == ownKey, "Merchant key is not valid.") && c.that("hash", hash != "", blank) {
		c.that("hash", hash == ownHash, "Hash is not valid.")
	}
}

// decimals is how many decimals an amount has (DineroPay, amounts). UGX, JPY,
// KRW and CLP have two here, though none by ISO 4217.
func decimals(currency string) int32 {
	switch currency {
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "BIF", "DJF", "GNF", "ISK", "KMF", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	default:
		return 2
	}
}

// sign is the lower-case hex SHA-1 of the lower-case hex MD5 of the upper-cased
// parts (platform's protocol, signatures). It is written anew here, so that a
// mistake in the product's own is found.
//
// Only ASCII letters are upper-cased, as PHP's strtoupper does. JavaScript's
// toUpperCase, in another published example, does more: a text for which that
// makes a difference has no one signature and should never be sent.
func sign(parts ...string) string {
	text := []byte(strings.Join(parts, ""))
	for i, b := range text {
		if 'a' <= b && b <= 'z' {
			text[i] = b - 'a' + 'A'
		}
	}
	inner := md5.Sum(text)                                  //nolint:gosec // the provider's protocol
	outer := sha1.Sum([]byte(hex.EncodeToString(inner[:]))) //nolint:gosec // the provider's protocol
	return hex.EncodeToString(outer[:])
}

// newUUID makes a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
