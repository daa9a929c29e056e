// Package dineropay is a stand-in for DineroPay, for trial and tests only. No
// money moves, and nothing here is evidence of what the real provider does
// where its pages are silent. Product code never imports this package.
//
// A Simulator answers the two requests that the bundle makes, charge (DineroPay,
// recurring) and status, and checks them as the provider's pages say: method,
// Content-Type and Accept, merchant key, required fields, their form, and the
// signature, of which it has an implementation of its own. Faults can be
// scripted, see Faults; what a card does is chosen by its token, see Cards;
// what happened can be read from Counts and Transactions. All of it can be
// reached over HTTP too, under /sandbox/ on the same address.
//
// A second charge request with the same order number charges again, since the
// provider documents nothing else. Whoever must not charge twice must not ask
// twice, and Counts tells if he did.
//
// One charge request may come to several payments: the platform can try an order at
// several acquirers, one after the other (cascading). Cascade scripts that for an
// order, some cards do it by themselves, and NextPayment makes a further payment at
// once. Only the last one is called back about. The status request by order number
// answers with the newest payment, the one by payment_id with the payment it names
// or, by a setting, with the newest of its cascade. Payments that Charged says took
// money are payments of the customer: a cascade that declines once and then settles
// is one.
//
// Where the provider's pages say nothing, the simulator decides, always for the
// stricter: an unknown or repeated field is refused; Content-Type and Accept
// must be JSON; an amount must be a string with no more decimals than the
// currency has (fewer are taken: "if you pass 1 it will be 1.00"); the texts of
// most messages are made up in the manner of those that are documented.
package dineropay
