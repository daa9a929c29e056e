package payout

// State is how a whole payout stands. The zero State is none. See contract,
// "Payouts".
type State string

const (
	// Processing: at least one payment is under way, or nothing is known yet.
	Processing State = "processing"
	// Successful: every payment arrived.
	Successful State = "successful"
	// Failed: every payment failed; the amounts went back to the balance at the
	// provider.
	Failed State = "failed"
	// PartlyFailed: every payment is final, some failed and some arrived.
	PartlyFailed State = "partly_failed"
)

// States lists all states.
func States() []State { return []State{Processing, Successful, Failed, PartlyFailed} }

// Final tells whether the provider is done with every payment.
func (s State) Final() bool { return s == Successful || s == Failed || s == PartlyFailed }

// PaymentState is what became of one payment of a payout. The zero PaymentState is
// none.
type PaymentState string

const (
	// PaymentProcessing: it is under way.
	PaymentProcessing PaymentState = "processing"
	// PaymentSuccessful: it arrived.
	PaymentSuccessful PaymentState = "successful"
	// PaymentFailed: it did not, and the amount went back to the balance at the
	// provider.
	PaymentFailed PaymentState = "failed"
	// PaymentUnrecognised: the provider tells it by a number that it does not
	// document. That is never final.
	PaymentUnrecognised PaymentState = "unrecognised"
)

// PaymentStates lists all states of a payment.
func PaymentStates() []PaymentState {
	return []PaymentState{PaymentProcessing, PaymentSuccessful, PaymentFailed, PaymentUnrecognised}
}

// Final tells whether the provider is done with the payment.
func (s PaymentState) Final() bool { return s == PaymentSuccessful || s == PaymentFailed }

// stateOf is how a payout with these payments stands.
func stateOf(payments []Payment) State {
	arrived, failed := 0, 0
	for _, p := range payments {
		switch p.State {
		case PaymentSuccessful:
			arrived++
		case PaymentFailed:
			failed++
		case PaymentProcessing, PaymentUnrecognised:
			return Processing
		default: // a word that a later version wrote
			return Processing
		}
	}
	switch {
	case arrived == 0 && failed == 0:
		return Processing
	case failed == 0:
		return Successful
	case arrived == 0:
		return Failed
	default:
		return PartlyFailed
	}
}
