// Package year holds a simulated year against the rule that each cycle of a
// subscription is charged exactly once, or not charged for a stated reason.
//
// The ledger, the subscriptions and who charges them are the product's own, over a
// real store. The clock, the provider's bank and the queue are simulated: they lose,
// repeat, delay and reorder messages, kill functions between any two writes, lose
// answers, decline, change their mind, and stop the schedule for days. The bank tries
// declined orders at further acquirers, calls a request that it carried out an error,
// and takes payments back in several words; its callbacks come before the call has
// ended, twice, about older payments, or not at all. Operators pause, resume, cancel,
// and change terms meanwhile.
//
// What may happen is checked where it happens: when a charge request leaves (bank),
// and when a subscription is written (watched). In the end the ledger has to say what
// the provider's books say. Each run prints what it met.
package year
