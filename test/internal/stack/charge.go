package stack

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/hidden"
)

// Charge charges as the function would, without it: so that there is a charge
// to ask about.
func (s *Stack) Charge(ctx context.Context, r dineropay.Request) (charge.Charge, error) {
	terms, err := dineropay.NewTerms(r)
	if err != nil {
		return charge.Charge{}, err
	}
	address, err := url.Parse(s.dineroPay)
	if err != nil {
		return charge.Charge{}, err
	}
	provider := dineropay.New(address, merchant{}, dineropay.Options{Log: slog.New(slog.DiscardHandler)})
	ledger := charge.NewLedger(s.Ledger(), provider, time.Now, slog.New(slog.DiscardHandler))
	return ledger.Charge(ctx, terms)
}

// Ledger is the store in the stack's table: what stands there, and what is due.
func (s *Stack) Ledger() *dynamostore.Charges {
	return dynamostore.NewCharges(s.DynamoDB, s.refs["Charges"])
}

// merchant is the simulated merchant's credentials.
type merchant struct{}

var _ dineropay.Keys = merchant{}

func (merchant) Get(context.Context) (dineropay.Credentials, error) {
	return dineropay.Credentials{MerchantKey: hidden.New(MerchantKey), Password: hidden.New(MerchantPassword)}, nil
}

func (m merchant) Refresh(ctx context.Context) (dineropay.Credentials, error) { return m.Get(ctx) }

// Subscriptions is the store of subscriptions, as the functions have it.
func (s *Stack) Subscriptions() *dynamostore.Subscriptions {
	return dynamostore.NewSubscriptions(s.DynamoDB, s.refs["Subscriptions"], s.Ledger())
}
