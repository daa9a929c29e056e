// Package payout watches payouts at Dinar Dragon until they are final.
//
// The provider calls nobody back: that a payment arrived, or failed and was
// refunded, is learnt by asking alone. So a payout that somebody watches is asked
// about again and again, soon at first and then ever more rarely (look.go), and
// what the answers say is kept (payout.go): nothing that was known is lost to an
// answer that lacks it, and no answer that could not be had changes a state.
//
// Nothing here moves money.
//
//	(nothing) ──Watch──▶ processing ──looks──▶ successful, failed, partly_failed
//	                         ▲                          │
//	                         └── a look 24 or 72 hours, ┘
//	                             7 or 30 days later says
//	                             otherwise
//
// It is drawn in full in docs/payout-states.md. The decisions are pure functions
// of a Payout, an answer and a time; the Watcher does the asking and the writing.
//
// The package knows nothing of Lambda, HTTP or DynamoDB. It states what it needs
// of a provider (Provider) and of a store (Store); shared/dinardragon,
// shared/boltstore and shared/dynamostore supply it. See contract, "Payouts".
package payout
