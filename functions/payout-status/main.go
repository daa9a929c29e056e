// Command payout-status is the Lambda function PayoutStatus (contract, The
// functions): it asks Dinar Dragon for the status of payouts, and watches them.
//
// All it does itself is to put together what the environment names; the package
// handler does the work.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"dinarfunctions/functions/payout-status/handler"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/settings"
	"dinarfunctions/shared/start"
	"dinarfunctions/shared/trigger"
)

// environment is what the function is told (contract, Settings).
type environment struct {
	Provider     settings.ProviderURL `env:"DINARDRAGON_URL"`
	SecretID     string               `env:"DINARDRAGON_SECRET_ID"`
	SecretTTL    time.Duration        `env:"SECRET_TTL"`
	OverdueAfter time.Duration        `env:"PAYOUT_OVERDUE_AFTER"`
	PayoutsTable string               `env:"PAYOUTS_TABLE"`
}

func main() { start.Function(build) }

// build puts together what the environment names.
func build(env environment, cfg aws.Config, log *slog.Logger) trigger.Handlers {
	key := secrets.New(secretsmanager.NewFromConfig(cfg), env.SecretID, dinardragon.ParseKey,
		secrets.Options{TTL: env.SecretTTL, Log: log})
	provider := dinardragon.New(env.Provider.URL(), key, dinardragon.Options{})
	store := dynamostore.NewPayouts(dynamodb.NewFromConfig(cfg), env.PayoutsTable)
	watcher := payout.NewWatcher(store, provider, env.OverdueAfter, time.Now, log)

	return handler.New(provider, watcher, log)
}
