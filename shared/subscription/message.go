package subscription

// Message asks to look at what is due of a subscription. It names the cycle and the
// try that were due when it was written, and decides nothing: it may get lost, come
// twice, late, or out of order. See contract, "Schedules and queue".
type Message struct {
	Subscription string
	// Cycle is the cycle's number, from 1; Attempt is 0 for its first charge.
	Cycle, Attempt int
}
