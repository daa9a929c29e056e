// Command charging turns the operator's switch of a deployed bundle: whether it
// charges, asks the provider before every charge, or begins no charge at all
// (contract, "GET /charging, PUT /charging").
//
//	charging -env test|live                              prints the switch
//	charging -env test|live -mode stopped -note "why"    no new charge
//	charging -env test|live -mode ask_first              after a restore from a backup
//	charging -env test|live -mode live                   as usual
//
// The API is found by the output ApiUrl of the CloudFormation stack. Instead of an
// environment of samconfig.toml, which gives stack, region and profile as for
// `make deploy`, -stack takes a stack's name, and -api the API's address itself,
// without asking CloudFormation; region and credentials are then the AWS SDK's
// defaults (AWS_REGION, AWS_PROFILE), but an address of API Gateway tells its region
// by itself. None of the three is taken for granted: who stops charging says where.
//
// The API of the sandbox, http on this machine, asks nobody for a signature: it is
// called with a made-up one, so that it needs no AWS account and gets nothing of one.
//
// It needs the rights cloudformation:DescribeStacks, not with -api, and
// execute-api:Invoke on the output ApiArn followed by /$default/GET/charging and
// /$default/PUT/charging.
//
// Exit codes: 0 done; 1 something failed; 2 wrong usage. (`go run` makes 1 of each
// of the last two.)
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack"
	"dinarfunctions/cmd/internal/target"
	"dinarfunctions/shared/charge"
)

const (
	// callLimit is for one call of AWS or of the API, which answers within half a
	// minute.
	callLimit = time.Minute
	// longSet is when a switch was surely set long enough ago to be in force
	// everywhere, whatever the clocks of this machine and of AWS differ: AWS takes no
	// signature from a clock that is five minutes off.
	longSet = 10 * time.Minute
)

func main() {
	p := program{
		stdout: os.Stdout, stderr: os.Stderr, config: config.LoadDefaultConfig,
		transport: http.DefaultTransport, now: time.Now,
	}
	command.Main("charging", p.run)
}

// program is the command with all that it touches.
type program struct {
	stdout    io.Writer // the switch
	stderr    io.Writer // usage
	config    func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)
	transport http.RoundTripper
	now       func() time.Time
}

// options are the command line.
type options struct {
	target target.Target // where the API is looked up, if api is the zero address
	api    address       // where the API is
	mode   charge.Mode   // empty: only look
	note   string
}

func (p program) parse(args []string) (options, error) {
	var (
		o                         options
		env, file, api, modeGiven string
	)
	flags := flag.NewFlagSet("charging", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.StringVar(&env, "env", "", "`environment` of samconfig.toml whose switch is meant")
	flags.StringVar(&file, "samconfig", "samconfig.toml", "`file` to look up -env in")
	flags.StringVar(&o.target.Stack, "stack", "", "`name` of the CloudFormation stack, instead of -env")
	flags.StringVar(&api, "api", "", "`address` of the API, instead of -env")
	flags.StringVar(&modeGiven, "mode", "", "turn the switch to this `mode`: "+modes()+"; without it the switch is only printed")
	flags.StringVar(&o.note, "note", "", "`text` that says why, for whoever looks at the switch next")
	if err := flags.Parse(args); err != nil {
		return options{}, command.ErrUsage // told by flags already
	}
	wrong := func(text string) (options, error) {
		fmt.Fprintln(p.stderr, "charging:", text)
		return options{}, command.ErrUsage
	}
	o.mode = charge.Mode(modeGiven)
	where := 0
	for _, text := range []string{env, o.target.Stack, api} {
		if text != "" {
			where++
		}
	}
	switch {
	case flags.NArg() > 0:
		return wrong("does not know what to do with " + strconv.Quote(flags.Arg(0)) + "; put a -note of several words in quotes")
	case where != 1:
		return wrong("give one of -env, -stack and -api")
	case modeGiven != "" && !slices.Contains(charge.Modes(), o.mode):
		return wrong("-mode is " + modes())
	case modeGiven == "" && o.note != "":
		return wrong("a -note belongs to a -mode")
	}
	var err error
	switch {
	case api != "":
		if o.api, err = parseAddress(api); err != nil {
			return wrong("-api " + err.Error())
		}
	case env != "":
		o.target, err = target.Read(file, env)
	}
	return o, err
}

// modes lists the modes for people.
func modes() string {
	var names []string
	for _, m := range charge.Modes() {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}

func (p program) run(ctx context.Context, args []string) error {
	o, err := p.parse(args)
	if err != nil {
		return err
	}
	c, err := p.connect(ctx, o)
	if err != nil {
		if o.mode != "" {
			return fmt.Errorf("%w; the switch was not touched", err)
		}
		return err
	}
	if o.mode == "" {
		s, err := c.get(ctx)
		if err != nil {
			return err
		}
		return p.print(c, s)
	}
	s, err := c.put(ctx, o.mode, o.note)
	if err != nil {
		return err
	}
	if err := p.print(c, s); err != nil {
		return fmt.Errorf("the switch was set to %s, but that cannot be told: %w", s.Mode, err)
	}
	return nil
}

// connect finds the API and what to sign with.
func (p program) connect(ctx context.Context, o options) (client, error) {
	c := client{http: newHTTP(p.transport), now: p.now, api: o.api}
	if c.api.onThisMachine() {
		return c.forTrial(), nil
	}
	settings := o.target.Options()
	if region := c.api.region(); region != "" {
		settings = append(settings, config.WithRegion(region))
	}
	cfg, err := p.config(ctx, settings...)
	if err != nil {
		return client{}, fmt.Errorf("AWS settings: %w", err)
	}
	if cfg.Region == "" {
		return client{}, errors.New("AWS settings: no region: set AWS_REGION, or AWS_PROFILE to a profile that has one")
	}
	if c.api == (address{}) {
		if c.api, err = find(ctx, cloudformation.NewFromConfig(cfg), o.target.Stack, cfg.Region); err != nil {
			return client{}, err
		}
		c.stack = o.target.Stack
		if c.api.onThisMachine() {
			return c.forTrial(), nil
		}
	}
	c.region, c.credentials = cfg.Region, cfg.Credentials
	return c, nil
}

// find returns the address of a stack's API.
func find(ctx context.Context, stacks stack.API, name, region string) (address, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	text, err := stack.Output(ctx, stacks, name, "ApiUrl")
	if errors.Is(err, stack.ErrNotFound) {
		return address{}, fmt.Errorf("the API cannot be found in region %s: %w: see whether stack, region and account are the right ones, and whether it is deployed (make deploy)", region, err)
	}
	if err != nil {
		return address{}, fmt.Errorf("%w; you need the right cloudformation:DescribeStacks, or give the API's address with -api", err)
	}
	api, err := parseAddress(text)
	if err != nil {
		return address{}, fmt.Errorf("the output ApiUrl of stack %s %w", name, err)
	}
	return api, nil
}

// print tells the switch as it stands and when it is in force.
func (p program) print(c client, s charge.Switch) error {
	where := c.api.String()
	if c.stack != "" {
		where = c.stack + ", " + where
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Charging is %s at %s.\n", s.Mode, where)
	if s.SetAt.IsZero() {
		text.WriteString("The switch was never set.\n")
	} else {
		fmt.Fprintf(&text, "Since %s", utc(s.SetAt))
		if s.Note != "" {
			// Quoted, because others wrote it, and a terminal obeys some characters.
			fmt.Fprintf(&text, ", note: %q", s.Note)
		}
		text.WriteString(".\n")
		// Counted from the answer, not from SetAt: writing takes time too.
		if now := p.now(); now.Sub(s.SetAt) < longSet {
			fmt.Fprintf(&text, "In force everywhere at %s, %.0f seconds from now. A charge that is begun before then ends within another %.0f.\n",
				utc(now.Add(charge.ModeFor)), charge.ModeFor.Seconds(), charge.MaxInvocation.Seconds())
		} else {
			text.WriteString("In force everywhere.\n")
		}
	}
	_, err := io.WriteString(p.stdout, text.String())
	return err
}

// utc writes a time to the second that is not before it.
func utc(t time.Time) string {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		t = whole.Add(time.Second)
	}
	return t.UTC().Format(time.RFC3339)
}
