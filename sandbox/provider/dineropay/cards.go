package dineropay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	settled  = "settled"
	pending  = "pending"
	declined = "declined"
	refund   = "refund"
)

// statuses are the provider's words for what became of a transaction (DineroPay,
// recurring; the last ones from the platform's status request).
func statuses() []string {
	return []string{settled, declined, pending, "prepare", "3ds", "redirect", refund, "reversal", "void", "chargeback"}
}

// waiting are those that have no outcome yet.
func waiting() []string { return []string{pending, "prepare", "3ds", "redirect"} }

// comesTo is what a charge comes to at once.
func comesTo() []string { return append([]string{settled, declined}, waiting()...) }

// Card says what a charge of a saved card comes to.
type Card struct {
	Token  string `json:"token_contains"`  // a token with this in it, whatever its case
	Status string `json:"status"`          // what a charge of it becomes at once
	Reason string `json:"reason,omitzero"` // what the provider says of it
	Note   string `json:"note,omitzero"`   // what it is for

	// Cascade is what follows by itself: the platform tries further acquirers.
	Cascade []Step `json:"cascade,omitzero"`
}

// Cards lists the saved cards that do not simply settle. The first entry
// whose Token is contained in a recurring_token counts; every other token
// settles. The provider publishes no list of reasons: these are the words of
// card networks.
func Cards() []Card {
	const changed = "; PUT " + shownAt + "transactions/{payment_id}/status changes it"
	const first, then = 20 * time.Second, 5 * time.Second
	second := Step{Next: true, Status: pending, After: then}
	return []Card{
		{
			Token: "cascading-settled", Status: pending, Note: "pending, and declined 20 seconds later; the next acquirer settles it",
			Cascade: []Step{{Status: declined, Reason: "Do not honor", After: first}, second, {Status: settled, After: first}},
		},
		{ //nolint:gosec // a card that anybody may use
			Token: "cascading-declined", Status: pending, Note: "pending, and declined by two acquirers one after the other",
			Cascade: []Step{{Status: declined, Reason: "Do not honor", After: first}, second, {Status: declined, Reason: "Insufficient funds", After: first}},
		},
		{ //nolint:gosec // a card that anybody may use
			Token: "cascading-late", Status: declined, Reason: "Do not honor", Note: "declined at once; 5 seconds later the next acquirer begins, and settles it",
			Cascade: []Step{second, {Status: settled, After: first}},
		},
		{Token: "declined-insufficient", Status: declined, Reason: "Insufficient funds", Note: "a soft decline: may work later"},
		{Token: "declined-limit", Status: declined, Reason: "Exceeds withdrawal amount limit", Note: "a soft decline: may work later"},
		{Token: "declined-honor", Status: declined, Reason: "Do not honor", Note: "a soft decline: may work later"},
		{Token: "declined-stolen", Status: declined, Reason: "Stolen card, pick up", Note: "a hard decline: will not work again"},
		{Token: "declined-lost", Status: declined, Reason: "Lost card, pick up", Note: "a hard decline: will not work again"},
		{Token: "declined-expired", Status: declined, Reason: "Expired card", Note: "a hard decline: will not work again"},
		{Token: "declined-invalid", Status: declined, Reason: "Invalid card number", Note: "a hard decline: will not work again"},
		{Token: "declined-closed", Status: declined, Reason: "Account closed", Note: "a hard decline: will not work again"},
		{Token: "declined-fraud", Status: declined, Reason: "Suspected fraud", Note: "a hard decline: will not work again"},
		{Token: "declined-silent", Status: declined, Note: "a decline without a reason"},
		{Token: "declined", Status: declined, Reason: "declined by processing", Note: "the provider's own example: says neither hard nor soft"},
		{Token: "pending-3ds", Status: "3ds", Note: "waits for the card holder" + changed},
		{Token: "pending-prepare", Status: "prepare", Note: "accepted, not begun" + changed},
		{Token: "pending-redirect", Status: "redirect", Note: "waits for the card holder" + changed},
		{Token: "pending", Status: pending, Note: "accepted, outcome to come" + changed},
	}
}

// SetCard changes what the charges of a card come to from now on, as the bank does
// when a card is empty and later is not: the entry counts before all others. Status
// is settled, declined, pending, prepare, 3ds or redirect. A cascade may follow.
func (s *Simulator) SetCard(card Card) error {
	switch {
	case card.Token == "":
		return errors.New("simulated DineroPay: token_contains is empty, and would mean every card")
	case !slices.Contains(comesTo(), card.Status):
		return fmt.Errorf("simulated DineroPay: %q is nothing that a charge comes to: use one of %s", card.Status, strings.Join(comesTo(), ", "))
	}
	if err := checkSteps(append([]Step{{Status: card.Status}}, card.Cascade...)); err != nil {
		return err
	}
	card.Token = strings.ToLower(card.Token)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cards = slices.DeleteFunc(s.cards, func(have Card) bool { return have.Token == card.Token })
	s.cards = append([]Card{card}, s.cards...)
	return nil
}

// allCards lists the cards that were set, the latest first, and those that are
// always there.
func (s *Simulator) allCards() []Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.cards, Cards())
}

// cardOf finds what a token's card does. The caller holds the lock.
func (s *Simulator) cardOf(token string) Card {
	token = strings.ToLower(token)
	for _, card := range slices.Concat(s.cards, Cards()) {
		if strings.Contains(token, card.Token) {
			return card
		}
	}
	return Card{Status: settled}
}
