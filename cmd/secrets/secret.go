package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
)

// secret is one secret of the bundle (contract, Settings).
type secret struct {
	name      string   // on the command line
	title     string   // to people
	logicalID string   // in template.yaml
	fields    []string // of its JSON object, in the order in which they are asked for
	check     func(value []byte) error
}

// bundle lists the secrets. Each is checked by what the functions read it with.
func bundle() []secret {
	return []secret{
		{
			name: "dinardragon", title: "Dinar Dragon", logicalID: "DinarDragonSecret",
			fields: []string{"private_key"},
			check:  func(value []byte) error { _, err := dinardragon.ParseKey(value); return err },
		},
		{
			name: "dineropay", title: "DineroPay", logicalID: "DineroPaySecret",
			fields: []string{"merchant_key", "merchant_password"},
			check:  func(value []byte) error { _, err := dineropay.ParseCredentials(value); return err },
		},
	}
}

// entry is a value that is in order, and the secret that it is for.
type entry struct {
	secret secret
	id     string // ARN or name
	value  hidden.Text
}

// compose makes the secret's value of its fields. The error says what is wrong
// with which field, and holds nothing of it.
func (s secret) compose(fields map[string]hidden.Text) (hidden.Text, error) {
	plain := make(map[string]string, len(fields))
	for name, text := range fields {
		plain[name] = text.Reveal()
	}
	value, err := json.Marshal(plain, json.Deterministic(true))
	if err != nil {
		// The one thing that a text can lack. The encoder's own words might quote it.
		return hidden.Text{}, fmt.Errorf("%s: what was given is not UTF-8", s.title)
	}
	if err := s.check(value); err != nil {
		return hidden.Text{}, fmt.Errorf("%s: %w", s.title, err)
	}
	return hidden.New(string(value)), nil
}

// put writes a secret's value. The error holds nothing of it.
func put(ctx context.Context, manager *secretsmanager.Client, e entry) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	_, err := manager.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId:     &e.id,
		SecretString: aws.String(e.value.Reveal()),
	})
	if err == nil {
		return nil
	}
	var fault smithy.APIError
	if !errors.As(err, &fault) {
		return fmt.Errorf("whether %s's secret %s was set is not known, run this again: %w", e.secret.title, e.id, err)
	}
	// The service's own words are left out: where it finds fault with a request, it
	// may quote it.
	return fmt.Errorf("%s's secret %s was not set: Secrets Manager answers %s: %s", e.secret.title, e.id, fault.ErrorCode(), advice(fault.ErrorCode()))
}

// advice says what to do about an error code of PutSecretValue.
func advice(code string) string {
	switch code {
	case "ResourceNotFoundException":
		return "there is no such secret in this region and account: choose them with AWS_REGION and AWS_PROFILE, or name another one"
	case "InvalidRequestException":
		return "the secret is marked for deletion: restore it, or name another one"
	case "AccessDeniedException", "AccessDenied":
		return "you need the right secretsmanager:PutSecretValue on it"
	case "DecryptionFailure", "EncryptionFailure":
		return "its KMS key cannot be used: look at the key's state and policy"
	case "LimitExceededException":
		return "it has too many versions for today: try again tomorrow"
	case "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException":
		return "your AWS credentials are not valid: sign in again"
	default:
		return "run this again"
	}
}
