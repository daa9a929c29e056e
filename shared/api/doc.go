// Package api answers the callers of the HTTP API as the contract, HTTP API,
// says: JSON in and out, and problem documents (RFC 9457) for what went wrong.
//
// A route is an [Endpoint]: it gets a request and returns an [Answer], or an
// error. A [*Problem] among the errors is what the caller sees; every other
// error is logged, and the caller sees a 500 that says nothing about it. A
// [Mux] holds the routes and answers 404, 405 and a panic in the same form, so
// no caller ever sees another shape than ours.
//
// The package knows nothing about Lambda, and quotes no value that a caller
// sent: it may be a token.
package api
