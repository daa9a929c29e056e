package dineropay

import "strings"

const (
	settled  = "settled"
	pending  = "pending"
	declined = "declined"
)

// statuses are the provider's words for what became of a transaction (DineroPay,
// recurring; the last ones from the platform's status request).
func statuses() []string {
	return []string{settled, declined, pending, "prepare", "3ds", "redirect", "refund", "reversal", "void", "chargeback"}
}

// Card says what a charge of a saved card comes to.
type Card struct {
	Token  string `json:"token_contains"`  // a token with this in it, whatever its case
	Status string `json:"status"`          // what a charge of it becomes at once
	Reason string `json:"reason,omitzero"` // what the provider says of it
	Note   string `json:"note"`            // what it is for
}

// Cards lists the saved cards that do not simply settle. The first entry
// whose Token is contained in a recurring_token counts; every other token
// settles. The provider publishes no list of reasons: these are the words of
// card networks.
func Cards() []Card {
	return []Card{
		{"declined-insufficient", declined, "Insufficient funds", "a soft decline: may work later"},
		{"declined-limit", declined, "Exceeds withdrawal amount limit", "a soft decline: may work later"},
		{"declined-honor", declined, "Do not honor", "a soft decline: may work later"},
		{"declined-stolen", declined, "Stolen card, pick up", "a hard decline: will not work again"},
		{"declined-lost", declined, "Lost card, pick up", "a hard decline: will not work again"},
		{"declined-expired", declined, "Expired card", "a hard decline: will not work again"},
		{"declined-invalid", declined, "Invalid card number", "a hard decline: will not work again"},
		{"declined-closed", declined, "Account closed", "a hard decline: will not work again"},
		{"declined-fraud", declined, "Suspected fraud", "a hard decline: will not work again"},
		{"declined-silent", declined, "", "a decline without a reason"},
		{"declined", declined, "declined by processing", "the provider's own example: says neither hard nor soft"},
		{"pending-3ds", "3ds", "", "waits for the card holder; changed by SetStatus"},
		{"pending-prepare", "prepare", "", "accepted, not begun; changed by SetStatus"},
		{"pending-redirect", "redirect", "", "waits for the card holder; changed by SetStatus"},
		{"pending", pending, "", "accepted, outcome to come; changed by SetStatus"},
	}
}

// cardOf finds what a token's card does.
func cardOf(token string) Card {
	token = strings.ToLower(token)
	for _, card := range Cards() {
		if strings.Contains(token, card.Token) {
			return card
		}
	}
	return Card{Status: settled}
}
