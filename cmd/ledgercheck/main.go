// Command ledgercheck looks, before a deployment, whether the stack is about to
// charge with an empty ledger although there is a full one.
//
//	ledgercheck -stack dinar-functions
//
// The ledger's table outlives its stack and has no name of its own. So a stack
// that is deleted and made again gets a new, empty table beside the one that was
// retained, and with an empty ledger order numbers that were charged before would
// be charged again. The template marks the table with the tag
// dinar-functions:table = charges; this command looks for it in one region of one
// account, which are the AWS SDK's defaults (AWS_PROFILE, AWS_REGION). It only
// reads.
//
// The table of subscriptions (dinar-functions:table = subscriptions) outlives its
// stack too, and beside an empty new one nobody in it is charged any more. It is
// looked for in the same way.
//
// Exit codes: 0 go on; 1 it could not be found out; 2 wrong usage; 3 there is a
// ledger, or a table of subscriptions, with content, and the stack has none yet or an
// empty one. (`go run`
// makes 1 of each of them.)
//
// It needs the rights dynamodb:ListTables, DescribeTable, ListTagsOfResource and
// Scan, and cloudformation:DescribeStackResource and DescribeStackResources.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"dinarfunctions/cmd/internal/command"
)

// timeLimit is for the whole check. DynamoDB lists the tags of ten tables a
// second, so it is enough for the 2,500 tables that an account has by default.
const timeLimit = 10 * time.Minute

// errStop is how run ends where the deployment must not go on. It has said why.
var errStop = errors.New("the ledger, or the table of subscriptions, is empty and another is not")

func main() {
	command.Main("ledgercheck", func(ctx context.Context, args []string) error {
		err := run(ctx, args, os.Stdout, os.Stderr, loadConfig)
		if errors.Is(err, errStop) {
			os.Exit(3)
		}
		return err
	})
}

// loadConfig is the SDK's default, patient with throttling: many tables are asked
// for, and nobody is waiting for a single one.
func loadConfig(ctx context.Context) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithRetryMode(aws.RetryModeAdaptive), config.WithRetryMaxAttempts(10))
}

// run does the check and prints its outcome to out, usage to usage.
func run(ctx context.Context, args []string, out, usage io.Writer, load func(context.Context) (aws.Config, error)) error {
	flags := flag.NewFlagSet("ledgercheck", flag.ContinueOnError)
	flags.SetOutput(usage)
	name := flags.String("stack", "", "`name` of the CloudFormation stack that is about to be deployed")
	if err := flags.Parse(args); err != nil {
		return command.ErrUsage // told by flags already
	}
	if *name == "" || flags.NArg() > 0 {
		fmt.Fprintln(usage, "ledgercheck: give the stack's name, and nothing else: ledgercheck -stack NAME")
		return command.ErrUsage
	}
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	cfg, err := load(ctx)
	if err != nil {
		return fmt.Errorf("AWS settings: %w", err)
	}
	if cfg.Region == "" {
		return errors.New("AWS settings: no region: set AWS_REGION, or AWS_PROFILE to a profile that has one")
	}
	found, err := survey(ctx, dynamodb.NewFromConfig(cfg), cloudformation.NewFromConfig(cfg), *name)
	if err != nil {
		return fmt.Errorf("whether stack %s is about to charge with an empty ledger could not be found out: %w", *name, err)
	}
	found.region = cfg.Region
	verdict := found.judge()
	if err := found.write(out); err != nil {
		return fmt.Errorf("print what was found: %w", err)
	}
	if verdict == stop {
		return errStop
	}
	return nil
}
