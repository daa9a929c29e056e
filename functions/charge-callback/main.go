// Command charge-callback is the Lambda function ChargeCallback: it takes
// DineroPay's callbacks, each as a hint to ask what became of a charge. See
// contract, "The functions".
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"dinarfunctions/functions/charge-callback/handler"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/settings"
	"dinarfunctions/shared/start"
	"dinarfunctions/shared/trigger"
)

// environment is the function's settings (contract, "Settings").
type environment struct {
	URL          settings.ProviderURL `env:"DINEROPAY_URL"`
	SecretID     string               `env:"DINEROPAY_SECRET_ID"`
	SecretTTL    time.Duration        `env:"SECRET_TTL"`
	ChargesTable string               `env:"CHARGES_TABLE"`
}

func main() { start.Function(build) }

// build puts together what the environment names.
func build(env environment, cfg aws.Config, log *slog.Logger) trigger.Handlers {
	keys := secrets.New(secretsmanager.NewFromConfig(cfg), env.SecretID, dineropay.ParseCredentials,
		secrets.Options{TTL: env.SecretTTL, Log: log})
	// It only asks about charges; the path that charges stays the default, unused.
	provider := dineropay.New(env.URL.URL(), keys, dineropay.Options{Log: log})
	store := dynamostore.NewCharges(dynamodb.NewFromConfig(cfg), env.ChargesTable)
	ledger := charge.NewLedger(store, provider, time.Now, log)
	verifier := dineropay.NewCallbackVerifier(keys, time.Now)

	return handler.New(ledger, verifier, log)
}
