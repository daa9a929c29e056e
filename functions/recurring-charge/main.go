// Command recurring-charge is the Lambda function RecurringCharge: it charges
// cards that are saved at DineroPay, each order number at most once, and keeps
// subscriptions and charges what is due of them. See contract, "The functions".
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"dinarfunctions/functions/recurring-charge/handler"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/settings"
	"dinarfunctions/shared/start"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/trigger"
)

// environment is the function's settings (contract, "Settings").
type environment struct {
	URL           settings.ProviderURL `env:"DINEROPAY_URL"`
	RecurringPath settings.Path        `env:"DINEROPAY_RECURRING_PATH"`
	SecretID      string               `env:"DINEROPAY_SECRET_ID"`
	SecretTTL     time.Duration        `env:"SECRET_TTL"`
	ChargesTable  string               `env:"CHARGES_TABLE"`
	Subscriptions string               `env:"SUBSCRIPTIONS_TABLE"`
	DueQueueURL   string               `env:"DUE_QUEUE_URL"`
}

func main() { start.Function(build) }

// build puts together what the environment names.
func build(env environment, cfg aws.Config, log *slog.Logger) trigger.Handlers {
	keys := secrets.New(secretsmanager.NewFromConfig(cfg), env.SecretID, dineropay.ParseCredentials,
		secrets.Options{TTL: env.SecretTTL, Log: log})
	provider := dineropay.New(env.URL.URL(), keys, dineropay.Options{RecurringPath: env.RecurringPath.URL(), Log: log})
	db := dynamodb.NewFromConfig(cfg)
	charges := dynamostore.NewCharges(db, env.ChargesTable)
	ledger := charge.NewLedger(charges, provider, time.Now, log)
	due := duequeue.New(sqs.NewFromConfig(cfg), env.DueQueueURL)
	biller := subscription.NewBiller(dynamostore.NewSubscriptions(db, env.Subscriptions, charges), ledger, due, time.Now, log)
	ledger.Follow(biller.Follow)

	return handler.New(ledger, biller, log)
}
