// Package model drives random sequences of requests, faults, kills, callbacks,
// resolutions, repairs and clock moves through the real handler, ledger and
// provider's client, against the simulated provider and each store, and holds what
// the ledger says against what the provider knows.
//
// It holds that
//
//   - under one order number the provider never carries out a second charge request,
//     and takes money once at most, whatever payments its cascade makes; no charge
//     request is sent after one that may have left: only after an answer that says
//     that nothing was charged;
//   - no charge's history has a transition that the table of transitions forbids,
//     or that brings nothing new, and no history loses a line but as charge.Claim says;
//   - no outcome is invented: what the ledger has by the provider's word, the
//     provider said at some time;
//   - nothing is sent after its invocation's deadline, nor while charging is
//     stopped, nor unasked in ask_first;
//   - what others were told of it, each change once, says how every charge ended (over
//     the file, whose outbox is at hand);
//   - in the end, when the faults are over, what the provider knows is what the
//     ledger says, or it is unknown where the provider knows nothing: by itself as far
//     as it asks by itself (what is open, a decline for a day, whatever a callback was
//     taken about), and in all else after one more callback.
//
// The provider's faults are the simulator's, all but those that never answer:
// waiting for them takes seconds each. Instead the model's own provider loses the
// answer, or the request, and reports what the client reports of a time-out; the
// handler's own tests wait for the true ones.
//
// The provider tries orders at several acquirers, one after the other (cascading), with
// the panel's switch on in half of the scenarios; it takes payments back in several
// words, and calls back before, during and after the call, about the newest payment or
// an older one, and again. It changes the newest payment of an order alone: that an
// earlier one of a cascade is settled later, no page of the platform says.
//
// MODEL_SCENARIOS is how many scenarios are run over each store, 1000 by default.
// The run over DynamoDB needs AWS_ENDPOINT_URL_DYNAMODB; make test-aws sets it.
package model
