// Package charge is the ledger that keeps a customer from being charged twice.
//
// The provider has no idempotency key, and an answer can be lost. So a charge
// is named by its order number, and under one number at most one charge request
// goes to the provider. Why that holds can be read in four places:
//
//   - Decide (decide.go): what may be done with an order number now. Only a
//     number that nothing stands under, or one whose last attempt certainly
//     charged nothing (rejected, unsent), may be sent.
//   - Store.Claim (store.go): the same rule as one atomic write. Of a hundred
//     callers one wins, and only the winner sends.
//   - transitions (state.go): the table of all that may ever happen to a charge.
//     From a charge that may have left, only its own answer leads back to one that
//     may be sent, and only where that answer says that nothing was charged.
//   - Ledger.Charge (ledger.go): the order of things. Claim, send once, write
//     down what was learnt, answer.
//
// The states:
//
//	                     ┌────────── a new POST ──────────┐
//	                     ▼                                │
//	(nothing) ──claim─▶ sending ──own answer──▶ rejected, unsent
//	                     │  │                             ▲
//	                     │  └─ answer lost, deadline ─▶ unknown ─ own answer, late
//	                     │                                │
//	                     ├───────────▶ pending ◀──────────┤
//	                     │                │               │
//	                     ▼                ▼               ▼
//	               settled, declined, reversed (the provider's word, or a person's)
//	               declined ─▶ settled, reversed      settled ◀─▶ reversed
//
// and, drawn in full in docs/charge-states.md: the provider's word undoes a
// person's, and its word that it has a charge ends one that was rejected or unsent.
//
// A charge whose answer was lost is unknown until the provider says otherwise.
// Time alone never makes it chargeable again.
//
// An order may have several payments: the platform can try it at several acquirers.
// So the provider is asked by order number (Ledger.status), one settled payment settles
// the charge, and a decline is asked about again, because the next payment may come.
//
// The package knows nothing of Lambda, HTTP or DynamoDB. It states what it needs
// of a provider (Provider) and of a store (Store); shared/dineropay,
// shared/boltstore and shared/dynamostore supply it. See contract, "Charges".
package charge
