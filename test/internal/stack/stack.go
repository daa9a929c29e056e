// Package stack stands template.yaml up on this machine: its tables in DynamoDB
// Local, its secrets, queues and event bus in moto, and simulated providers. It tells the environment
// that a function of the template has there.
//
// The emulators are those of scripts/with-emulators.py, found by AWS_ENDPOINT_URL
// and AWS_ENDPOINT_URL_DYNAMODB. Every Stack has tables, secrets and queues of its own.
// Nothing takes messages from a queue by itself: see Receive.
package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"dinarfunctions/sandbox/provider/dinardragon"
	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
	"dinarfunctions/test/internal/template"
)

// The merchant's secrets. They open nothing, and are easily found where they
// must not be.
const (
	PrivateKey       = "MARKED-private-key-51d0"
	MerchantKey      = "MARKED-merchant-key-51d0"
	MerchantPassword = "MARKED-merchant-password-51d0"
	marked           = "MARKED"
)

// Stack is a stack that stands.
type Stack struct {
	Template    *template.Template
	DinarDragon *dinardragon.Simulator
	DineroPay   *dineropay.Simulator
	Secrets     *secretsmanager.Client
	DynamoDB    *dynamodb.Client
	SQS         *sqs.Client

	events    *eventbridge.Client
	heard     string            // the queue that gets all that is told on the bus
	host      string            // how functions call this machine
	refs      map[string]string // what the template's references stand for
	dineroPay string            // its address as this machine calls it
	servers   []*http.Server
}

// Options say where the simulators are. The zero Options are for functions that
// run on this machine.
type Options struct {
	Listen string // the address to listen on; empty: 127.0.0.1
	Host   string // how functions call this machine; empty: as Listen
}

// Missing says what a Stack needs and the environment lacks, empty if nothing.
func Missing() string {
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"} {
		if os.Getenv(name) == "" {
			return name + " is not set: run make test-aws, or scripts/with-emulators.py COMMAND"
		}
	}
	return ""
}

// Start makes what template.yaml in the file has. The secrets have no value, as
// after a first deployment; see SetSecrets. Close ends the simulators.
//
// An emulator cuts a connection now and then. What was being made then may be there or
// not, so all is made anew, under new names.
func Start(ctx context.Context, file string, o Options) (s *Stack, err error) {
	for range tries {
		if s, err = stand(ctx, file, o); err == nil {
			break
		}
	}
	return s, err
}

// tries is how often something is asked of the emulators.
const tries = 3

func stand(ctx context.Context, file string, o Options) (_ *Stack, err error) {
	if missing := Missing(); missing != "" {
		return nil, errors.New(missing)
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1"
	}
	if o.Host == "" {
		o.Host = o.Listen
	}
	s := &Stack{host: o.Host, refs: make(map[string]string)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.Template, err = template.Load(file); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	// More patient than a function, and each request sent once: an emulator that is
	// busy answers late, and what was made twice is an error.
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(time.Minute)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	s.Secrets, s.DynamoDB, s.SQS = secretsmanager.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	for _, table := range s.Template.OfType("AWS::DynamoDB::Table") {
		create := TableInput(table, table.ID+"-"+rand.Text())
		if err := dynamostoretest.Make(ctx, s.DynamoDB, create); err != nil {
			return nil, fmt.Errorf("make table %s: %w", table.ID, err)
		}
		s.refs[table.ID] = aws.ToString(create.TableName)
	}
	for _, secret := range s.Template.OfType("AWS::SecretsManager::Secret") {
		made, err := s.Secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(secret.ID + "-" + rand.Text())})
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", secret.ID, err)
		}
		s.refs[secret.ID] = aws.ToString(made.ARN)
	}

	s.events = eventbridge.NewFromConfig(cfg)
	for _, bus := range s.Template.OfType("AWS::Events::EventBus") {
		if s.refs[bus.ID], err = s.makeBus(ctx, bus.ID+"-"+rand.Text()); err != nil {
			return nil, fmt.Errorf("make %s: %w", bus.ID, err)
		}
	}
	if err := s.makeQueues(ctx); err != nil {
		return nil, err
	}

	if s.DinarDragon, err = dinardragon.New(dinardragon.Options{PrivateKey: PrivateKey}); err != nil {
		return nil, err
	}
	dinarDragon, err := s.serve(o.Listen, s.DinarDragon)
	if err != nil {
		return nil, err
	}
	if s.refs["DinarDragonUrl"], err = s.seen(dinarDragon); err != nil {
		return nil, err
	}
	s.DineroPay, err = dineropay.New(dineropay.Options{
		MerchantKey: MerchantKey, MerchantPassword: MerchantPassword,
		RecurringPath: s.Template.Parameters["DineroPayRecurringPath"].Text("Default"),
	})
	if err != nil {
		return nil, err
	}
	if s.dineroPay, err = s.serve(o.Listen, s.DineroPay); err != nil {
		return nil, err
	}
	s.refs["DineroPayUrl"], err = s.seen(s.dineroPay)
	return s, err
}

// Payouts is the store of watched payouts, as the functions have it.
func (s *Stack) Payouts() *dynamostore.Payouts {
	return dynamostore.NewPayouts(s.DynamoDB, s.refs["Payouts"])
}

// Close ends the simulators. Tables, secrets and queues end with the emulators.
func (s *Stack) Close() error {
	var faults []error
	for _, server := range s.servers {
		faults = append(faults, server.Close())
	}
	return errors.Join(faults...)
}

// SetSecrets gives the secrets their values.
func (s *Stack) SetSecrets(ctx context.Context) error {
	return errors.Join(
		s.SetSecret(ctx, "DinarDragonSecret", fmt.Sprintf(`{"private_key": %q}`, PrivateKey)),
		s.SetSecret(ctx, "DineroPaySecret", fmt.Sprintf(`{"merchant_key": %q, "merchant_password": %q}`, MerchantKey, MerchantPassword)),
	)
}

// SetSecret gives one secret, by its logical id, another value.
func (s *Stack) SetSecret(ctx context.Context, id, value string) (err error) {
	for range tries { // a value that is put twice is the same value
		_, err = s.Secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
			SecretId: aws.String(s.refs[id]), SecretString: &value,
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("set %s: %w", id, err)
}

// Ref is what !Ref of a logical id or a parameter stands for.
func (s *Stack) Ref(id string) string { return s.refs[id] }

// Environment is what the template sets for a function, with what it refers to
// resolved, AWS's endpoints replaced by the emulators', and what Lambda sets for
// a client of AWS.
func (s *Stack) Environment(f template.Function) (map[string]string, error) {
	env, err := s.Template.Resolve(f, s.refs)
	if err != nil {
		return nil, err
	}
	for name := range env {
		emulator := os.Getenv(name)
		if !strings.HasPrefix(name, "AWS_ENDPOINT_URL") || emulator == "" {
			continue
		}
		if env[name], err = s.seen(emulator); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return env, nil
}

// Function is the template's function with this logical id.
func (s *Stack) Function(id string) (template.Function, error) {
	for _, f := range s.Template.Functions() {
		if f.ID == id {
			return f, nil
		}
	}
	return template.Function{}, fmt.Errorf("template.yaml has no function %s", id)
}

// ShowsSecrets tells which of the merchant's secrets stand in a text.
func ShowsSecrets(text string) bool { return strings.Contains(text, marked) }

// seen is an address of this machine as functions call it.
func (s *Stack) seen(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	u.Host = net.JoinHostPort(s.host, u.Port())
	return u.String(), nil
}

// serve serves a simulator on a free port until Close.
func (s *Stack) serve(address string, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0")) //nolint:noctx // a listener is at once
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // ends with Close
	return "http://" + listener.Addr().String(), nil
}

// TableInput is the request that makes one of the template's tables under a name,
// with the keys, indexes and stream that the template gives it.
func TableInput(table template.Resource, name string) *dynamodb.CreateTableInput {
	create := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: dynamotypes.BillingMode(table.Properties.Text("BillingMode")),
		KeySchema:   keySchema(table.Properties),
	}
	if view := table.Properties.Map("StreamSpecification").Text("StreamViewType"); view != "" {
		create.StreamSpecification = &dynamotypes.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewType(view),
		}
	}
	for _, item := range table.Properties.List("AttributeDefinitions") {
		attribute, _ := item.(template.Properties)
		create.AttributeDefinitions = append(create.AttributeDefinitions, dynamotypes.AttributeDefinition{
			AttributeName: aws.String(attribute.Text("AttributeName")),
			AttributeType: dynamotypes.ScalarAttributeType(attribute.Text("AttributeType")),
		})
	}
	for _, item := range table.Properties.List("GlobalSecondaryIndexes") {
		index, _ := item.(template.Properties)
		projection := &dynamotypes.Projection{
			ProjectionType: dynamotypes.ProjectionType(index.Map("Projection").Text("ProjectionType")),
		}
		for _, name := range index.Map("Projection").List("NonKeyAttributes") {
			projection.NonKeyAttributes = append(projection.NonKeyAttributes, fmt.Sprint(name))
		}
		create.GlobalSecondaryIndexes = append(create.GlobalSecondaryIndexes, dynamotypes.GlobalSecondaryIndex{
			IndexName: aws.String(index.Text("IndexName")), KeySchema: keySchema(index), Projection: projection,
		})
	}
	return create
}

func keySchema(of template.Properties) []dynamotypes.KeySchemaElement {
	var schema []dynamotypes.KeySchemaElement
	for _, item := range of.List("KeySchema") {
		key, _ := item.(template.Properties)
		schema = append(schema, dynamotypes.KeySchemaElement{
			AttributeName: aws.String(key.Text("AttributeName")),
			KeyType:       dynamotypes.KeyType(key.Text("KeyType")),
		})
	}
	return schema
}
