// Command retell tells again what OutcomeEvents could not: it reads the failure
// bucket and puts what it finds on the event bus, with the function's own code.
//
//	retell -env test|live
//	retell -stack dinar-functions
//	retell -bucket NAME -bus NAME
//
// An object of the bucket is a batch of stream records as Lambda's on-failure
// destination writes it (object.go). One whose changes were all told is deleted. One
// of which anything was not stays where it is, so that the command may be run again;
// whatever it told of it has the same ids the next time.
//
// Bucket and bus are found by their logical ids in the CloudFormation stack. Stack,
// region and profile are those that samconfig.toml gives the environment, as for
// `make deploy`; with -stack, or -bucket and -bus, region and credentials are the AWS
// SDK's defaults. It needs the rights cloudformation:DescribeStackResource,
// s3:ListBucket, s3:GetObject, s3:DeleteObject and events:PutEvents.
//
// Exit codes: 0 all was told, or there was nothing; 1 something was not; 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack"
	"dinarfunctions/cmd/internal/target"
	"dinarfunctions/functions/outcome-events/handler"
	"dinarfunctions/shared/eventbus"
	"dinarfunctions/shared/trigger"
)

const (
	// callLimit is for one call of AWS, the SDK's retries included.
	callLimit = time.Minute
	// batchLimit is for telling one batch, as Lambda gives the function.
	batchLimit = 29 * time.Second
)

var errKept = errors.New("something could not be told and stays in the bucket; the lines above say why")

func main() {
	p := program{stdout: os.Stdout, stderr: os.Stderr, config: config.LoadDefaultConfig}
	command.Main("retell", p.run)
}

// program is the command with all that it touches.
type program struct {
	stdout io.Writer // progress
	stderr io.Writer // usage, and why something could not be told
	config func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)
}

// options are the command line.
type options struct {
	target      target.Target // where bucket and bus are looked up, if they are not named
	bucket, bus string
}

func (p program) parse(args []string) (options, error) {
	var o options
	var env, file string
	flags := flag.NewFlagSet("retell", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.StringVar(&env, "env", "", "`environment` of samconfig.toml that is meant")
	flags.StringVar(&file, "samconfig", "samconfig.toml", "`file` to look up -env in")
	flags.StringVar(&o.target.Stack, "stack", "", "`name` of the CloudFormation stack, instead of -env")
	flags.StringVar(&o.bucket, "bucket", "", "`name` of the failure bucket, with -bus instead of -env")
	flags.StringVar(&o.bus, "bus", "", "`name` of the event bus, with -bucket instead of -env")
	if err := flags.Parse(args); err != nil {
		return options{}, command.ErrUsage // told by flags already
	}
	named := o.bucket != "" || o.bus != ""
	where := 0
	for _, given := range []bool{env != "", o.target.Stack != "", named} {
		if given {
			where++
		}
	}
	wrong := ""
	switch {
	case flags.NArg() > 0:
		wrong = "does not know what to do with " + strconv.Quote(flags.Arg(0))
	case where != 1:
		wrong = "give one of -env, -stack, and -bucket with -bus"
	case named && (o.bucket == "" || o.bus == ""):
		wrong = "-bucket and -bus belong together"
	}
	if wrong != "" {
		fmt.Fprintln(p.stderr, "retell:", wrong)
		return options{}, command.ErrUsage
	}
	if env == "" {
		return o, nil
	}
	var err error
	o.target, err = target.Read(file, env)
	return o, err
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
	if o.bucket == "" {
		if o, err = find(ctx, cloudformation.NewFromConfig(cfg), o); err != nil {
			return err
		}
	}
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	r := reteller{
		objects: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil }), // of an emulator
		bucket:  o.bucket,
		tell:    handler.New(eventbus.New(eventbridge.NewFromConfig(cfg), o.bus), log),
		out:     p.stdout,
	}
	return r.all(ctx)
}

// find looks bucket and bus up in the stack.
func find(ctx context.Context, api stack.API, o options) (options, error) {
	for id, name := range map[string]*string{"Untold": &o.bucket, "Events": &o.bus} {
		ctx, cancel := context.WithTimeout(ctx, callLimit)
		found, err := stack.Resource(ctx, api, o.target.Stack, id)
		cancel()
		if err != nil {
			return options{}, err
		}
		*name = found
	}
	return o, nil
}

// reteller tells the objects of one bucket.
type reteller struct {
	objects *s3.Client
	bucket  string
	tell    trigger.Handlers
	out     io.Writer
}

// all goes through the bucket in the order of its keys, which is that of time for each
// shard.
func (r reteller) all(ctx context.Context) error {
	told, kept := 0, 0
	pages := s3.NewListObjectsV2Paginator(r.objects, &s3.ListObjectsV2Input{Bucket: &r.bucket})
	for pages.HasMorePages() {
		within, cancel := context.WithTimeout(ctx, callLimit)
		page, err := pages.NextPage(within)
		cancel()
		if err != nil {
			return fmt.Errorf("list the failure bucket %s: %w", r.bucket, err)
		}
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			records, err := r.one(ctx, key)
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted; what is left stays in the bucket: %w", ctx.Err())
			}
			if err != nil {
				kept++
				fmt.Fprintf(r.out, "kept  %s\n      %v\n", key, err)
				continue
			}
			told++
			fmt.Fprintf(r.out, "told  %s  %d records\n", key, records)
		}
	}
	fmt.Fprintf(r.out, "%d objects told and deleted, %d kept\n", told, kept)
	if kept > 0 {
		return errKept
	}
	return nil
}

// one tells an object and deletes it.
func (r reteller) one(ctx context.Context, key string) (records int, err error) {
	within, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	object, err := r.objects.GetObject(within, &s3.GetObjectInput{Bucket: &r.bucket, Key: &key})
	if err != nil {
		return 0, fmt.Errorf("read it: %w", err)
	}
	defer object.Body.Close()
	batch, records, err := readBatch(object.Body)
	if err != nil {
		return 0, err
	}
	within, cancel = context.WithTimeout(ctx, batchLimit)
	defer cancel()
	answer, err := r.tell.Invoke(within, batch)
	if err != nil {
		return 0, err
	}
	if err := allTold(answer); err != nil {
		return 0, err
	}
	within, cancel = context.WithTimeout(ctx, callLimit)
	defer cancel()
	if _, err := r.objects.DeleteObject(within, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: &key}); err != nil {
		return 0, fmt.Errorf("it was told, but could not be deleted: %w", err)
	}
	return records, nil
}
