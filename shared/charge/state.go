package charge

import "slices"

// State is what is known of a charge. The zero State is none. See contract,
// "Charges".
type State string

const (
	// Sending: a call to the provider is at it now. It becomes Unknown to
	// everybody Grace after the deadline of its invocation.
	Sending State = "sending"
	// Settled: paid.
	Settled State = "settled"
	// Declined: not paid, by the provider's word.
	Declined State = "declined"
	// Pending: accepted by the provider, outcome to come.
	Pending State = "pending"
	// Unknown: it may have been charged; the answer was lost or made no sense.
	Unknown State = "unknown"
	// Rejected: the provider refused the request. Nothing was charged.
	Rejected State = "rejected"
	// Unsent: turned away before anything was processed. Nothing was charged.
	Unsent State = "unsent"
	// Reversed: the provider calls it refunded, reversed, voided or charged back.
	Reversed State = "reversed"
)

// States lists all states.
func States() []State {
	return []State{Sending, Settled, Declined, Pending, Unknown, Rejected, Unsent, Reversed}
}

// Chargeable tells whether a charge in this state may be sent: nothing stands
// there (""), or what was sent has certainly charged nothing.
func (s State) Chargeable() bool { return s == "" || s == Rejected || s == Unsent }

// Evidence is how something about a charge was learnt.
type Evidence string

const (
	// ByAnswer: the attempt's own answer, or the lack of it.
	ByAnswer Evidence = "answer"
	// ByStatus: the provider's answer to a status request.
	ByStatus Evidence = "status"
	// ByOperator: a person's word.
	ByOperator Evidence = "operator"
	// BySchedule: time passed; the schedule wrote down what everybody already sees.
	BySchedule Evidence = "schedule"
)

// AllEvidence lists all kinds of evidence.
func AllEvidence() []Evidence { return []Evidence{ByAnswer, ByStatus, ByOperator, BySchedule} }

// transitions is all that may happen to a charge once it is claimed: from which
// state, by which evidence, to which state. What is not here is forbidden. The
// way back to Sending is not here either: that is a new claim (Decide).
//
// Two rules can be read off the columns. Rejected and Unsent, the only states
// that may be sent again, are reached by the attempt's own answer alone. And no
// row leads out of Settled but to Reversed.
var transitions = []struct {
	from State
	by   []Evidence
	to   []State
}{
	{Sending, []Evidence{ByAnswer}, []State{Settled, Declined, Pending, Unknown, Reversed, Rejected, Unsent}},
	{Sending, []Evidence{ByStatus}, []State{Settled, Declined, Pending, Reversed}},
	{Sending, []Evidence{BySchedule}, []State{Unknown}},

	// The attempt's own answer may come after the schedule has given it up.
	{Unknown, []Evidence{ByAnswer}, []State{Settled, Declined, Pending, Reversed, Rejected, Unsent}},
	{Unknown, []Evidence{ByStatus}, []State{Settled, Declined, Pending, Reversed}},
	{Unknown, []Evidence{ByOperator}, []State{Settled, Declined}},

	// The provider has it, so a refusal that comes late cannot mean "not charged".
	{Pending, []Evidence{ByAnswer, ByStatus}, []State{Settled, Declined, Reversed}},
	{Pending, []Evidence{ByOperator}, []State{Settled, Declined}},

	{Declined, []Evidence{ByAnswer, ByStatus}, []State{Settled, Reversed}},
	{Settled, []Evidence{ByAnswer, ByStatus}, []State{Reversed}},
}

// Allowed tells whether evidence by may move a charge from one state to another.
func Allowed(from, to State, by Evidence) bool {
	for _, row := range transitions {
		if row.from == from && slices.Contains(row.by, by) && slices.Contains(row.to, to) {
			return true
		}
	}
	return false
}

// Origins lists the states from which evidence by may move a charge to a state.
// A store makes its condition of it.
func Origins(to State, by Evidence) []State {
	var from []State
	for _, s := range States() {
		if Allowed(s, to, by) {
			from = append(from, s)
		}
	}
	return from
}
