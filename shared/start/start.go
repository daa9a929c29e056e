// Package start is the main of every function: it reads the function's settings and
// AWS's own, lets the function put itself together, and takes Lambda's events.
package start

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/settings"
	"dinarfunctions/shared/trigger"
)

// Function runs a function; it does not return. E is a struct of its settings, with
// env tags (contract, "Settings"). build puts the function together from them, and
// calls nobody yet. What is missing or malformed ends the process, with one line in
// the log that names it all.
func Function[E any](build func(env E, cfg aws.Config, log *slog.Logger) trigger.Handlers) {
	log := trigger.NewLogger(os.Stderr)
	env, cfg, err := load[E]()
	if err != nil {
		log.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(build(env, cfg, log))
}

func load[E any]() (env E, cfg aws.Config, err error) {
	if env, err = settings.Load[E](); err != nil {
		return env, cfg, err
	}
	cfg, err = awsconfig.Load(context.Background())
	return env, cfg, err
}
