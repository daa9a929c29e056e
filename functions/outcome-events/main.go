// Command outcome-events is the Lambda function OutcomeEvents: it tells the
// merchant's other systems what changed, on an EventBridge bus. See contract, "The
// functions".
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"dinarfunctions/functions/outcome-events/handler"
	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/eventbus"
	"dinarfunctions/shared/settings"
	"dinarfunctions/shared/trigger"
)

// environment is the function's settings (contract, "Settings").
type environment struct {
	EventBusName string `env:"EVENT_BUS_NAME"`
}

func main() {
	log := trigger.NewLogger(os.Stderr)
	if err := run(log); err != nil {
		log.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
}

// run puts together what the environment names.
func run(log *slog.Logger) error {
	env, err := settings.Load[environment]()
	if err != nil {
		return err
	}
	cfg, err := awsconfig.Load(context.Background())
	if err != nil {
		return err
	}
	bus := eventbus.New(eventbridge.NewFromConfig(cfg), env.EventBusName)

	lambda.Start(handler.New(bus, log)) // does not return
	return nil
}
