// Package trigger tells what woke a Lambda function, and hands it on to the
// code that is for it.
//
// A function fills in the [Handlers] that it has and gives them to
// lambda.Start. Events are told apart by the fields that mark them, in this
// order (contract, The functions):
//
//	HTTP API, payload 2.0    "version": "2.0" and "requestContext" with "http"
//	schedule                 "detail-type": "Scheduled Event",
//	                         "source": "aws.events" or "aws.scheduler"
//	SQS                      "Records", all with "eventSource": "aws:sqs"
//	DynamoDB stream          "Records", all with "eventSource": "aws:dynamodb"
//
// An event of any other shape, or one that the function has no handler for, is
// an error that names the fields which arrived, never their values.
//
// HTTP handlers are plain net/http handlers: the same ones can stand behind a
// real HTTP server. The context of an invocation, with its deadline and its
// request id, is the context of the request.
//
// Each invocation writes one line to the log when it ends: what woke it, how
// it ended and how long it took; for HTTP also method, path and status, but
// never query, headers or bodies; for a batch how many records came and how many
// have to come again.
package trigger
