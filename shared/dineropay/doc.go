// Package dineropay charges saved cards at DineroPay and asks what became of a
// charge.
//
// NewTerms checks what a caller asks for against the provider's rules. Client
// sends it: Charge makes one charge request and never a second one, Status may
// be asked as often as one likes. Every answer is read by the contract's table
// ("How a charge's own answer is read") into a charge.Answer; nothing that
// happens on the way is an error text to be guessed at.
//
// Reading is strict where a value decides and lenient where it does not, because a
// paid charge that cannot be read is a charge that an operator has to look into. A
// refusal frees an order number only where it says for certain that nothing was
// charged; where it does not, the answer says AskStatus. testdata/answers.json holds
// the cases. What an answer repeats of our secrets is hidden before it is kept.
//
// The provider's spelling ("decline", "shedule_id", an order amount that is now
// a string and now a number) stops at this package's border. Facts are from the
// provider's page "Charge a transaction using a saved token" and the published
// protocol of the platform that it runs on; see docs/divergences.md for where we
// depart from them.
package dineropay
