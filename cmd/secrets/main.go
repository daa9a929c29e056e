// Command secrets sets the values of the bundle's secrets in AWS Secrets Manager:
// the template makes the secrets without a value, and a deployment never touches
// one (contract, Settings).
//
//	secrets -env test|live [-only dineropay|dinardragon]
//	secrets -stack dinar-functions [-only dineropay|dinardragon]
//
// On a terminal it asks for each value without showing it; an empty answer leaves
// that secret as it is. Elsewhere it reads one JSON object from standard input,
// with the fields of one secret or of both:
//
//	{"private_key": "…", "merchant_key": "…", "merchant_password": "…"}
//
// A value is never taken from the command line or the environment, where other
// programs could read it, and none is ever printed. Each is read first by the
// parser that the functions use, and nothing is written unless all of them are in
// order. A secret's value is replaced as a whole.
//
// The secrets are found by their logical ids in the CloudFormation stack, or named
// by -dineropay-secret and -dinardragon-secret; where both are named, or the only
// one that is to be set, CloudFormation is not asked. Stack, region and profile are
// those that samconfig.toml gives the environment, as for `make deploy`; with
// -stack, region and credentials are the AWS SDK's defaults (AWS_REGION,
// AWS_PROFILE). It needs the rights cloudformation:DescribeStackResource and
// secretsmanager:PutSecretValue.
//
// Exit codes: 0 done, also if everything was left as it is; 1 something failed; 2
// wrong usage.
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
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"golang.org/x/term"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack"
	"dinarfunctions/cmd/internal/target"
)

// callLimit is for one call of AWS, the SDK's retries included.
const callLimit = time.Minute

// defaultStack is what the bundle is called where nothing else is said.
const defaultStack = "dinar-functions"

func main() {
	p := program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		config: config.LoadDefaultConfig,
	}
	if fd := int(os.Stdin.Fd()); term.IsTerminal(fd) {
		p.prompt = &terminal{fd: fd, out: os.Stderr}
	}
	command.Main("secrets", p.run)
}

// program is the command with all that it touches.
type program struct {
	prompt prompter  // nil: nobody can be asked, the values are on stdin
	stdin  io.Reader // not read if there is a prompt
	stdout io.Writer // what was done
	stderr io.Writer // usage
	config func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)
}

// options are the command line.
type options struct {
	target target.Target
	only   string            // the name of a secret; empty: both
	ids    map[string]string // by the secret's name; absent: to be found
}

func (p program) parse(args []string) (options, error) {
	o := options{ids: map[string]string{}}
	var env, file, stackName string
	flags := flag.NewFlagSet("secrets", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.StringVar(&env, "env", "", "`environment` of samconfig.toml whose secrets to set")
	flags.StringVar(&file, "samconfig", "samconfig.toml", "`file` to look up -env in")
	flags.StringVar(&stackName, "stack", defaultStack, "`name` of the CloudFormation stack, where there is no -env")
	flags.StringVar(&o.only, "only", "", "set one `secret` only: dineropay or dinardragon")
	for _, s := range bundle() {
		flags.Func(s.name+"-secret", "`ARN or name` of "+s.title+"'s secret, instead of finding it by the stack",
			func(id string) error { o.ids[s.name] = id; return nil })
	}
	if err := flags.Parse(args); err != nil {
		return options{}, command.ErrUsage // told by flags already
	}
	wrong := func(text string) (options, error) {
		fmt.Fprintln(p.stderr, "secrets:", text)
		return options{}, command.ErrUsage
	}
	switch {
	case flags.NArg() > 0:
		// Not quoted: it may be a secret that was meant to be typed at the prompt.
		return wrong("values are not taken from the command line. If that was one, it is in your shell's history now: replace it at the provider")
	case o.only != "" && len(o.selected()) == 0:
		return wrong("-only is dineropay or dinardragon")
	case env != "" && stackName != defaultStack:
		return wrong("give -env or -stack, not both")
	case env == "":
		o.target = target.Target{Stack: stackName}
		return o, nil
	}
	var err error
	o.target, err = target.Read(file, env)
	return o, err
}

// selected lists the secrets that are to be set.
func (o options) selected() (list []secret) {
	for _, s := range bundle() {
		if o.only == "" || o.only == s.name {
			list = append(list, s)
		}
	}
	return list
}

func (p program) run(ctx context.Context, args []string) error {
	o, err := p.parse(args)
	if err != nil {
		return err
	}
	cfg, err := p.config(ctx, o.target.Options()...)
	if err != nil {
		return fmt.Errorf("AWS settings: %w", err)
	}
	if cfg.Region == "" {
		return errors.New("AWS settings: no region: set AWS_REGION, or AWS_PROFILE to a profile that has one")
	}
	o.target.Region = cfg.Region
	stacks := cloudformation.NewFromConfig(cfg)

	var entries []entry
	if p.prompt != nil {
		entries, err = p.ask(ctx, o, stacks)
	} else {
		entries, err = p.read(ctx, o, stacks)
	}
	if err != nil {
		return fmt.Errorf("%w; nothing was set", err)
	}

	manager := secretsmanager.NewFromConfig(cfg)
	for _, e := range entries {
		if err := put(ctx, manager, e); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(p.stdout, "%s: set in %s.\n", e.secret.title, e.id); err != nil {
			return fmt.Errorf("%s's secret was set, but that cannot be told: %w", e.secret.title, err)
		}
	}
	if len(entries) == 0 {
		_, err = fmt.Fprintln(p.stdout, "Nothing was set.")
	} else {
		_, err = fmt.Fprintln(p.stdout, "The functions use it within SECRET_TTL (the template's SecretTtl), at once where they had no value or the provider refuses the one they have.")
	}
	return err
}

// find returns the id of a secret.
func (o options) find(ctx context.Context, stacks stack.API, s secret) (string, error) {
	if id := o.ids[s.name]; id != "" {
		return id, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	id, err := stack.Resource(ctx, stacks, o.target.Stack, s.logicalID)
	if errors.Is(err, stack.ErrNotFound) {
		return "", fmt.Errorf("%s's secret cannot be found in region %s: %w: deploy the stack first (make deploy), or see whether stack, region and account are the right ones", s.title, o.target.Region, err)
	}
	return id, err
}
