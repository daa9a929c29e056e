// Package subscription charges saved cards on a calendar: what is due is charged
// once per cycle, and the subscription goes on from what the ledger says became of
// it. See contract, "Subscriptions".
//
// Why no cycle is charged twice can be read in three places:
//
//   - Number (number.go): the order number of a try is made from the subscription's
//     id, cycle and attempt alone. Whoever comes, and however often, asks the
//     ledger for the same number.
//   - Store.Claim (store.go): the claim of that number and the mark on the
//     subscription that its outcome is awaited are one transaction, with the
//     condition that the subscription is still what it was read as.
//   - The moves (moves.go): pure functions that say what a subscription becomes.
//     While an outcome is awaited there is nothing to charge.
//
// A message or a schedule decides nothing: it makes somebody look (Biller.Look).
//
// The states, drawn in full in docs/subscription-states.md:
//
//	active ──decline──▶ past_due ──tries used up, or a hard decline──▶ unpaid
//	   ▲ ◀──settled─────────┘ ◀──────────a new token───────────────────┘
//	   │
//	   ├─pause─▶ paused          held: an operator must look; both end with /resume
//	   └─the last cycle─▶ finished        cancelled: DELETE, from any state
//
// The package knows nothing of Lambda, HTTP, SQS or DynamoDB.
package subscription
