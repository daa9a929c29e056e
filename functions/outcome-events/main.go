// Command outcome-events is the Lambda function OutcomeEvents: it tells the
// merchant's other systems what changed, on an EventBridge bus. See contract, "The
// functions".
package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"dinarfunctions/functions/outcome-events/handler"
	"dinarfunctions/shared/eventbus"
	"dinarfunctions/shared/start"
	"dinarfunctions/shared/trigger"
)

// environment is the function's settings (contract, "Settings").
type environment struct {
	EventBusName string `env:"EVENT_BUS_NAME"`
}

func main() { start.Function(build) }

// build puts together what the environment names.
func build(env environment, cfg aws.Config, log *slog.Logger) trigger.Handlers {
	bus := eventbus.New(eventbridge.NewFromConfig(cfg), env.EventBusName)

	return handler.New(bus, log)
}
