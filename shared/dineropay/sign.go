package dineropay

import (
	"crypto/md5"  //nolint:gosec // the provider's protocol, see signature
	"crypto/sha1" //nolint:gosec // the provider's protocol, see signature
	"encoding/hex"
	"strings"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// signCharge signs a charge request (platform's protocol, "recurring
// signature"). The amount is the very text that is sent.
func signCharge(t charge.Terms, password hidden.Text) string {
	return signature(t.InitTransID, t.Token.Reveal(), t.Order.Number, t.Order.Amount.String(), t.Order.Description, password.Reveal())
}

// signStatus signs a status request, by payment_id or by order_id (platform's
// protocol, "get transaction status").
func signStatus(id string, password hidden.Text) string {
	return signature(id, password.Reveal())
}

// signature is the lower-case hex SHA-1 of the lower-case hex MD5 of the
// upper-cased text. Both hashes are weak and both are the provider's protocol.
// The text has passed checkUpperCase, so that every way to upper-case it agrees.
func signature(parts ...string) string {
	text := strings.ToUpper(strings.Join(parts, ""))
	inner := md5.Sum([]byte(text)) //nolint:gosec // the provider's protocol
	//nolint:gosec // the provider's protocol
	outer := sha1.Sum([]byte(hex.EncodeToString(inner[:])))
	return hex.EncodeToString(outer[:])
}
