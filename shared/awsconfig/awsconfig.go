// Package awsconfig makes the one aws.Config of a function.
//
// Every try of every call is bounded, and so is the number of tries, so that a
// service that cannot be reached fails within about ten seconds: a function has
// 29, and must still be able to write down or say what happened.
//
// AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> lead to emulators (contract,
// Settings). Empty, they count as unset.
//
// It stands on the SDK's own loader. A config put together by hand, with the
// clients of Secrets Manager and DynamoDB beside it, was measured on arm64 at
// 8.2 MB instead of 9.7 MB (zipped 3.1 and 3.6), and on amd64 the loader takes
// 0.1 ms and costs a process 0.2 to 0.7 ms of start-up: not worth a second
// reading of AWS's variables that can drift from the first.
package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

const (
	tries          = 3
	tryLimit       = 3 * time.Second // one try, from the connection to the last byte of the answer
	connectLimit   = time.Second     // of that: TCP, and TLS
	firstRetryWait = 200 * time.Millisecond
)

// Load reads region, credentials and endpoints from the environment that Lambda
// gives a function. The error names what is missing or malformed.
func Load(ctx context.Context) (aws.Config, error) {
	client := awshttp.NewBuildableClient().
		WithTimeout(tryLimit).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectLimit }).
		WithTransportOptions(func(t *http.Transport) { t.TLSHandshakeTimeout = connectLimit })
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithRetryer(newRetryer),
		// A function gets its credentials in the environment. Without them the
		// SDK would look for an EC2 host, slowly, and blame that.
		config.WithEC2IMDSClientEnableState(imds.ClientDisabled),
	)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("AWS settings: no region: set AWS_REGION, as Lambda does")
	}
	return cfg, nil
}

func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = tries
		// The SDK's own waits, up to 20 seconds, are for programs without a
		// deadline; with a small maximum it waits exactly that, without jitter.
		o.Backoff = retry.BackoffDelayerFunc(func(failed int, _ error) (time.Duration, error) {
			return rand.N(firstRetryWait << max(failed-1, 0)), nil //nolint:gosec // jitter, not a secret
		})
	})
}
