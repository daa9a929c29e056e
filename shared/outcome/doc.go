// Package outcome says what a merchant's other systems are told: it makes events of
// what a write to a store changed. See contract, "Outcome events".
//
// It decides nothing. The code that writes says in words what it changes
// (charge.Change.Word, payout.Payout.Change, subscription.Subscription.Change);
// this package has the one table of what each word is called outside, and shows the
// thing as its GET does.
//
// An event's id is made from the change alone: whoever is told of a change twice
// sees the same id twice, and no two changes share one.
package outcome
