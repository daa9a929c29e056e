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

// Open tells whether the outcome is still to come. An open charge is asked about.
func (s State) Open() bool { return s == Sending || s == Pending || s == Unknown }

// OpenStates lists the states that are Open.
func OpenStates() []State { return []State{Sending, Pending, Unknown} }

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
// state (and, where it matters, by whose word it is in it), by which evidence, to
// which state. What is not here is forbidden. The way back to Sending is not here
// either: that is a new claim (Decide).
//
// Two rules can be read off the columns. Rejected and Unsent, the only states
// that may be sent again, are reached by the attempt's own answer alone. And
// only a reversal undoes what the provider called settled; its later word may undo
// the reversal.
var transitions = []struct {
	from Origin
	by   []Evidence
	to   []State
}{
	{Origin{State: Sending}, []Evidence{ByAnswer}, []State{Settled, Declined, Pending, Unknown, Reversed, Rejected, Unsent}},
	{Origin{State: Sending}, []Evidence{ByStatus}, []State{Settled, Declined, Pending, Reversed}},
	{Origin{State: Sending}, []Evidence{BySchedule}, []State{Unknown}},

	// The attempt's own answer may come after the schedule has given it up.
	{Origin{State: Unknown}, []Evidence{ByAnswer}, []State{Settled, Declined, Pending, Reversed, Rejected, Unsent}},
	{Origin{State: Unknown}, []Evidence{ByStatus}, []State{Settled, Declined, Pending, Reversed}},
	{Origin{State: Unknown}, []Evidence{ByOperator}, []State{Settled, Declined}},

	// The provider has it, so a refusal that comes late cannot mean "not charged".
	{Origin{State: Pending}, []Evidence{ByAnswer, ByStatus}, []State{Settled, Declined, Reversed}},
	{Origin{State: Pending}, []Evidence{ByOperator}, []State{Settled, Declined}},

	{Origin{State: Declined}, []Evidence{ByAnswer, ByStatus}, []State{Settled, Reversed}},
	{Origin{State: Settled}, []Evidence{ByAnswer, ByStatus}, []State{Reversed}},

	// The order may have another payment (cascading). Whatever that is, the charge stays
	// declined until one of them is settled.
	{Origin{State: Declined, If: NewPayment}, []Evidence{ByStatus}, []State{Declined}},
	// A dispute was won, or a refund failed; a chargeback followed a refund.
	{Origin{State: Reversed}, []Evidence{ByStatus}, []State{Settled}},
	{Origin{State: Reversed, If: NewWord}, []Evidence{ByStatus}, []State{Reversed}},

	// The provider's later word overrides a person's, both ways. Where it agrees,
	// it takes the person's place: what the provider called settled is not undone
	// by its next word.
	{Origin{State: Settled, Said: ByOperator}, []Evidence{ByAnswer, ByStatus}, []State{Settled, Declined, Pending}},
	{Origin{State: Declined, Said: ByOperator}, []Evidence{ByAnswer, ByStatus}, []State{Declined, Pending}},

	// The provider has a charge that its own answer denied. Whatever that was, the
	// number must not be sent again.
	{Origin{State: Rejected}, []Evidence{ByStatus}, []State{Settled, Pending, Reversed}},
	{Origin{State: Unsent}, []Evidence{ByStatus}, []State{Settled, Pending, Reversed}},
}

// Origin is where a transition begins: a state, and by whose word the charge is in
// it where only that word may be undone. Said is empty where it does not matter.
type Origin struct {
	State State
	Said  Evidence
	// If is what the change has to bring, where the state stays the same.
	If News
}

// News is what is new in a change that leaves a charge in its state. The zero News
// asks for nothing.
type News string

const (
	// NewPayment: the provider names another payment of the order than the one that is
	// known, or a newer payment began or ceased to be pending (Charge.Cascading).
	NewPayment News = "new_payment"
	// NewWord: the provider's word for the status is another one.
	NewWord News = "new_word"
)

// has reports whether a charge that is in a state by somebody's word is there.
func (o Origin) has(state State, said Evidence) bool {
	return o.State == state && (o.Said == "" || o.Said == said)
}

// Allowed reports whether evidence by may move a charge, which is in state from by the
// word of said, to another state; or leave it in its state, if the change brings News.
func Allowed(from State, said Evidence, to State, by Evidence) bool {
	return slices.ContainsFunc(Origins(to, by), func(o Origin) bool { return o.has(from, said) })
}

// allowedIn reports whether the transitions allow the change of a charge as it is.
func (c Change) allowedIn(of Charge) bool {
	return slices.ContainsFunc(Origins(c.To, c.Evidence), func(o Origin) bool {
		return o.has(of.State, of.Said) && c.brings(o.If, of)
	})
}

// brings reports whether a change brings news to a charge.
func (c Change) brings(news News, to Charge) bool {
	switch news {
	case NewPayment:
		return c.PaymentID != "" && c.PaymentID != to.PaymentID || c.Cascading != to.Cascading
	case NewWord:
		return c.ProviderStatus != to.ProviderStatus
	default:
		return true
	}
}

// Origins lists from where evidence by may move a charge to a state. A store
// makes its condition of it.
func Origins(to State, by Evidence) []Origin {
	var from []Origin
	for _, row := range transitions {
		if slices.Contains(row.by, by) && slices.Contains(row.to, to) {
			from = append(from, row.from)
		}
	}
	return from
}
