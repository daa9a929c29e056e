// Command recurring-charge is the Lambda function RecurringCharge: it charges
// cards that are saved at DineroPay, each order number at most once. See
// contract, "The functions".
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"dinarfunctions/functions/recurring-charge/handler"
	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/settings"
	"dinarfunctions/shared/trigger"
)

// environment is the function's settings (contract, "Settings").
type environment struct {
	URL           settings.ProviderURL `env:"DINEROPAY_URL"`
	RecurringPath settings.Path        `env:"DINEROPAY_RECURRING_PATH"`
	SecretID      string               `env:"DINEROPAY_SECRET_ID"`
	SecretTTL     time.Duration        `env:"SECRET_TTL"`
	ChargesTable  string               `env:"CHARGES_TABLE"`
}

func main() {
	log := trigger.NewLogger(os.Stdout)
	if err := run(context.Background(), log); err != nil {
		log.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
}

// run wires the function and serves Lambda until it is ended.
func run(ctx context.Context, log *slog.Logger) error {
	env, err := settings.Load[environment]()
	if err != nil {
		return err
	}
	aws, err := awsconfig.Load(ctx)
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	keys := secrets.New(secretsmanager.NewFromConfig(aws), env.SecretID, dineropay.ParseCredentials,
		secrets.Options{TTL: env.SecretTTL, Log: log})
	provider := dineropay.New(env.URL.URL(), keys, dineropay.Options{RecurringPath: env.RecurringPath.URL(), Log: log})
	store := dynamostore.New(dynamodb.NewFromConfig(aws), env.ChargesTable)
	ledger := charge.NewLedger(store, provider, time.Now, log)

	lambda.StartWithOptions(trigger.Handlers{HTTP: handler.New(ledger, log), Log: log}, lambda.WithContext(ctx))
	return nil
}
