// Package dinardragon is a stand-in for Dinar Dragon's payout API, for trial and
// tests only. No money moves, and nothing here is evidence of what the real
// provider does where its pages are silent. Product code never imports this
// package.
//
// A Simulator answers the three steps of a payout (Dinar Dragon, "How to make a
// payout"): /get-authcode, /execute and /status, of which the bundle calls the
// last. It checks the private key in the Authorization header and the form of
// each request. The money of an executed payout arrives when Options.ArrivesAfter
// has passed on the simulator's clock; what becomes of it is chosen by the account
// it goes to, see Accounts. Put makes a payout with ids and statuses of one's own,
// SetStatus changes one payment. Faults can be scripted, see Faults. All of it can
// be reached over HTTP too, under /sandbox/ on the same address.
//
// Where the provider's pages say nothing, the simulator decides, always for the
// stricter: an unknown or repeated field is refused, the Content-Type must be
// JSON, one unit of any currency is one US dollar, and the error texts but one
// ("Missing API key in request headers.") are made up.
package dinardragon
