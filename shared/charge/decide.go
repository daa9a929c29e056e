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
// There is no clock in it: time never makes a charge chargeable again.
func Decide(standing *Charge, terms Terms) Decision {
	switch {
	case standing == nil || standing.State.Chargeable():
		return Send
	case terms.Matches(standing.Fingerprint):
		return Repeat
	default:
		return Conflict
	}
}

// Claim is the new claim as it comes to stand on what stood there (nil for
// nothing), or what stood there and false if its state may not be sent. The
// first attempt's time and the history of all attempts stay. A store does in one
// atomic step what this function says.
func Claim(standing *Charge, claim Charge) (Charge, bool) {
	if standing == nil {
		return claim, true
	}
	if !standing.State.Chargeable() {
		return *standing, false
	}
	claim.CreatedAt = standing.CreatedAt
	claim.History = append(slices.Clone(standing.History), claim.History...)
	return claim, true
}
