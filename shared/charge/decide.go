package charge

import "slices"

// Decision is what may be done with an order number now.
type Decision int

const (
	// Send: nothing stands there, or what stands there certainly charged nothing.
	// Whoever wins the claim sends.
	Send Decision = iota + 1
	// Repeat: the same charge was asked for before. Its answer is what stands there.
	Repeat
	// Conflict: the number stands for something else already.
	Conflict
)

// Decide says what may be done now with a request for terms, given the charge
// that stands under its order number (nil for none):
//
//	what stands there         same content   other content
//	nothing                   Send           Send
//	rejected, unsent          Send           Send
//	every other state         Repeat         Conflict
//
// A request for a cycle of a subscription has the content that was claimed first,
// so there is no other; and what stands for another cycle, or for none, is always a
// Conflict, as a cycle's charge is for a caller's own request.
//
// There is no clock in it: time never makes a charge chargeable again.
func Decide(standing *Charge, terms Terms, of Cycle) Decision {
	switch {
	case standing == nil:
		return Send
	case standing.For != of:
		return Conflict
	case standing.State.Chargeable():
		return Send
	case of != Cycle{} || terms.Matches(standing.Fingerprint):
		return Repeat
	default:
		return Conflict
	}
}

// MaxHistory is how many lines of earlier attempts a new claim takes over. A
// caller that hammers on a number while the provider is down would otherwise
// fill a store's record to its limit, and then an outcome could not be written.
const MaxHistory = 100

// Claim is the new claim as it comes to stand on what stood there (nil for
// nothing), or what stood there and false if it may not be sent. The first
// attempt's time and the history of earlier attempts stay; of a history that has
// reached MaxHistory, the first line and the latest half. A store does in one
// atomic step what this function says.
//
// A charge that somebody hinted at is not claimed over before the provider was asked: its
// answer may have been wrong.
//
// An attempt claims once. A copy of its claim that was held up on its way must
// not make the number Sending again, with nobody to send it: not when the attempt
// itself has ended, and not when the number was written to after the claim was made.
func Claim(standing *Charge, claim Charge) (Charge, bool) {
	if standing == nil {
		return claim, true
	}
	late := standing.UpdatedAt.After(claim.CreatedAt)
	if !standing.State.Chargeable() || standing.For != claim.For || standing.Attempt == claim.Attempt || late || standing.hinted(claim.CreatedAt) {
		return *standing, standing.State == Sending && standing.Attempt == claim.Attempt
	}
	claim.CreatedAt = standing.CreatedAt
	history := slices.Clone(standing.History)
	if len(history) >= MaxHistory {
		history = slices.Delete(history, 1, len(history)-MaxHistory/2)
	}
	claim.History = append(history, claim.History...)
	return claim, true
}
