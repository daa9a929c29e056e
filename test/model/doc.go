// Package model drives random sequences of requests, faults, kills, callbacks,
// resolutions, repairs and clock moves through the real handler, ledger and
// provider's client, against the simulated provider and each store, and holds what
// the ledger says against what the provider knows.
//
// It holds that
//
//   - under one order number the provider never has a second transaction, and no
//     charge request is sent after one that may have left: only after an answer
//     that says that nothing was charged;
//   - no charge's history has a transition that the table of transitions forbids,
//     and no history loses a line but as charge.Claim says;
//   - no outcome is invented: what the ledger has by the provider's word, the
//     provider said at some time;
//   - nothing is sent after its invocation's deadline, nor while charging is
//     stopped, nor unasked in ask_first;
//   - what others were told of it, each change once, says how every charge ended (over
//     the file, whose outbox is at hand);
//   - in the end, when the faults are over, what the provider knows is what the
//     ledger says, or it is unknown where the provider knows nothing.
//
// The provider's faults are the simulator's, all but those that never answer:
// waiting for them takes seconds each. Instead the model's own provider loses the
// answer, or the request, and reports what the client reports of a time-out; the
// handler's own tests wait for the true ones.
//
// MODEL_SCENARIOS is how many scenarios are run over each store, 1000 by default.
// The run over DynamoDB needs AWS_ENDPOINT_URL_DYNAMODB; make test-aws sets it.
package model
