package dineropay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

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
	Note   string `json:"note,omitzero"`   // what it is for
}

// Cards lists the saved cards that do not simply settle. The first entry
// whose Token is contained in a recurring_token counts; every other token
// settles. The provider publishes no list of reasons: these are the words of
// card networks.
func Cards() []Card {
	const changed = "; PUT " + shownAt + "transactions/{payment_id}/status changes it"
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
		{"pending-3ds", "3ds", "", "waits for the card holder" + changed},
		{"pending-prepare", "prepare", "", "accepted, not begun" + changed},
		{"pending-redirect", "redirect", "", "waits for the card holder" + changed},
		{"pending", pending, "", "accepted, outcome to come" + changed},
	}
}

// SetCard changes what the charges of a card come to from now on, as the bank does
// when a card is empty and later is not: the entry counts before all others. Status
// is settled, declined, pending, prepare, 3ds or redirect.
func (s *Simulator) SetCard(card Card) error {
	switch {
	case card.Token == "":
		return errors.New("simulated DineroPay: token_contains is empty, and would mean every card")
	case !slices.Contains([]string{settled, declined, pending, "prepare", "3ds", "redirect"}, card.Status):
		return fmt.Errorf("simulated DineroPay: %q is nothing that a charge comes to: use settled, declined, pending, prepare, 3ds or redirect", card.Status)
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

// cardOf finds what a token's card does.
func (s *Simulator) cardOf(token string) Card {
	token = strings.ToLower(token)
	for _, card := range s.allCards() {
		if strings.Contains(token, card.Token) {
			return card
		}
	}
	return Card{Status: settled}
}
