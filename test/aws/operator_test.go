package aws_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/dynamostore/dynamostoretest"
)

// likeOurs is as much of template.yaml as moto can make a stack of; it knows no
// secrets there.
const likeOurs = `
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Architecture: {Type: String, Default: arm64}
Resources:
  Charges:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      Tags: [{Key: 'dinar-functions:table', Value: charges}]
`

// account is an AWS account of the test's own: a region of moto that no other
// test uses. moto plays DynamoDB too here, because it makes the stack's table.
type account struct {
	region         string
	cloudformation *cloudformation.Client
	dynamodb       *dynamodb.Client
	secrets        *secretsmanager.Client
}

func newAccount(t *testing.T, region string) account {
	t.Helper()
	needsEmulators(t)
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(region))
	require.NoError(t, err)
	return account{
		region:         region,
		cloudformation: cloudformation.NewFromConfig(cfg),
		dynamodb:       dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint }),
		secrets:        secretsmanager.NewFromConfig(cfg),
	}
}

func (a account) makeStack(t *testing.T, name, architecture string) {
	t.Helper()
	_, err := a.cloudformation.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(likeOurs),
		Parameters: []cloudtypes.Parameter{{ParameterKey: aws.String("Architecture"), ParameterValue: &architecture}},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := a.cloudformation.DeleteStack(context.Background(), &cloudformation.DeleteStackInput{StackName: &name})
		require.NoError(t, err)
	})
}

// keepLedger makes what is left of a stack that was deleted: its table, with a
// charge in it.
func (a account) keepLedger(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, dynamostoretest.Make(t.Context(), a.dynamodb, &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: dynamotypes.ScalarAttributeTypeS}},
		KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: dynamotypes.KeyTypeHash}},
		Tags:                 []dynamotypes.Tag{{Key: aws.String("dinar-functions:table"), Value: aws.String("charges")}},
	}))
	t.Cleanup(func() { require.NoError(t, dynamostoretest.DeleteTable(context.Background(), a.dynamodb, name)) })
	_, err := a.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: &name,
		Item:      map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: "charge#order-1234"}},
	})
	require.NoError(t, err)
}

// command runs one of the repository's commands in the account, as the operator
// does. sam is a stand-in that writes down how it was called.
func (a account) command(t *testing.T, stdin string, words ...string) (output, called string, err error) {
	t.Helper()
	folder := t.TempDir()
	sam, record := filepath.Join(folder, "sam"), filepath.Join(folder, "called")
	script := "#!/bin/sh\necho \"$* (ARCH=$ARCH)\" >>" + record + "\n"
	require.NoError(t, os.WriteFile(sam, []byte(script), 0o700))
	command := exec.CommandContext(t.Context(), words[0], words[1:]...)
	command.Dir = top
	command.Stdin = strings.NewReader(stdin)
	command.Env = append(os.Environ(), "SAM="+sam, "AWS_REGION="+a.region, "AWS_DEFAULT_REGION="+a.region, "AWS_ENDPOINT_URL_DYNAMODB=")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	text, readErr := os.ReadFile(record)
	if !os.IsNotExist(readErr) {
		require.NoError(t, readErr)
	}
	return out.String(), string(text), err
}

const testStack = "dinar-functions-test" // of samconfig.toml

func TestDeploy(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, region string
		prepare      func(*testing.T, account)
		words        string
		called       string // empty: it stops
		says         string
	}{
		{
			name: "for the first time", region: "eu-west-1", words: "ENV=test",
			called: "build --parameter-overrides Architecture=arm64 (ARCH=arm64)\n" +
				"deploy --config-env test --parameter-overrides Architecture=\"arm64\" (ARCH=)\n",
		},
		{
			name: "for another architecture", region: "eu-west-2", words: "ENV=test ARCH=x86_64",
			called: "build --parameter-overrides Architecture=x86_64 (ARCH=x86_64)\n" +
				"deploy --config-env test --parameter-overrides Architecture=\"x86_64\" (ARCH=x86_64)\n",
		},
		{
			name: "for the architecture of the stack", region: "eu-west-3", words: "ENV=test ARGS=--no-confirm-changeset",
			prepare: func(t *testing.T, a account) { a.makeStack(t, testStack, "x86_64") },
			called: "build --parameter-overrides Architecture=x86_64 (ARCH=x86_64)\n" +
				"deploy --config-env test --no-confirm-changeset --parameter-overrides Architecture=\"x86_64\" (ARCH=)\n",
		},
		{
			name: "beside a ledger that was kept", region: "us-east-1", words: "ENV=test",
			prepare: func(t *testing.T, a account) { a.keepLedger(t, testStack+"-Charges-1ABCDEFGHIJKL") },
			says:    testStack + "-Charges-1ABCDEFGHIJKL",
		},
		{
			name: "with an empty ledger beside one that was kept", region: "us-east-2", words: "ENV=test",
			prepare: func(t *testing.T, a account) {
				a.makeStack(t, testStack, "arm64")
				a.keepLedger(t, testStack+"-Charges-1ABCDEFGHIJKL")
			},
			says: "FORCE=1 deploys all the same",
		},
		{
			name: "all the same", region: "us-west-1", words: "ENV=test FORCE=1",
			prepare: func(t *testing.T, a account) { a.keepLedger(t, testStack+"-Charges-1ABCDEFGHIJKL") },
			called: "build --parameter-overrides Architecture=arm64 (ARCH=arm64)\n" +
				"deploy --config-env test --parameter-overrides Architecture=\"arm64\" (ARCH=)\n",
			says: testStack + "-Charges-1ABCDEFGHIJKL",
		},
		{
			name: "to nowhere", region: "us-west-2", words: "ENV=stage",
			says: "samconfig.toml has no stack_name in [stage.deploy.parameters]",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, c.region)
			if c.prepare != nil {
				c.prepare(t, a)
			}
			out, called, err := a.command(t, "", append([]string{"make", "deploy"}, strings.Fields(c.words)...)...)
			require.Equal(t, c.called, called, out)
			require.Equal(t, c.called == "", err != nil, out)
			require.Contains(t, out, c.says)
		})
	}
}

func TestSecretsAreSet(t *testing.T) {
	t.Parallel()
	a := newAccount(t, "ap-south-1")
	dragon, dinero := a.makeSecret(t, "DinarDragonSecret"), a.makeSecret(t, "DineroPaySecret")
	secrets := []string{"make", "secrets", "ENV=test", "ARGS=-dinardragon-secret " + dragon + " -dineropay-secret " + dinero}

	out, _, err := a.command(t, `{"private_key": "MARKED-1", "merchant_key": "MARKED-2", "merchant_password": "MARKED-3"}`, secrets...)
	require.NoError(t, err, out)
	require.NotContains(t, out, "MARKED")
	require.JSONEq(t, `{"private_key": "MARKED-1"}`, a.secret(t, dragon))
	require.JSONEq(t, `{"merchant_key": "MARKED-2", "merchant_password": "MARKED-3"}`, a.secret(t, dinero))

	out, _, err = a.command(t, `{"private_key": "MARKED-4", "merchant_key": "MARKED-5"}`, secrets...)
	require.Error(t, err, "half a secret")
	require.NotContains(t, out, "MARKED")
	require.JSONEq(t, `{"private_key": "MARKED-1"}`, a.secret(t, dragon), "all or nothing")

	out, _, err = a.command(t, `{"private_key": "MARKED-6"}`, "make", "secrets", "ENV=test")
	require.Error(t, err, "there is no stack to look in")
	require.NotContains(t, out, "MARKED")
}

func (a account) makeSecret(t *testing.T, name string) (arn string) {
	t.Helper()
	made, err := a.secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String(name + "-" + rand.Text())})
	require.NoError(t, err)
	return aws.ToString(made.ARN)
}

func (a account) secret(t *testing.T, arn string) string {
	t.Helper()
	value, err := a.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &arn})
	require.NoError(t, err)
	return aws.ToString(value.SecretString)
}
