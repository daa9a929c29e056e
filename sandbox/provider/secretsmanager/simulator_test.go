package secretsmanager_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/secretsmanager"
)

func start(t *testing.T) (*simulator.Simulator, *secretsmanager.Client) {
	t.Helper()
	s := simulator.New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, secretsmanager.NewFromConfig(aws.Config{
		Region:           "eu-central-1",
		Credentials:      credentials.NewStaticCredentialsProvider("sandbox", "sandbox", ""),
		BaseEndpoint:     aws.String(server.URL),
		RetryMaxAttempts: 1,
	})
}

func TestTheRealClientReadsAndSets(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	read := func() (string, error) {
		out, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("a")})
		if err != nil {
			return "", err
		}
		return *out.SecretString, nil
	}
	var missing *types.ResourceNotFoundException
	_, err := read()
	require.ErrorAs(t, err, &missing)
	require.NotContains(t, missing.ErrorMessage(), "secret value")

	s.Create("a")
	_, err = read()
	require.ErrorAs(t, err, &missing)
	require.Contains(t, missing.ErrorMessage(), "secret value for staging label: AWSCURRENT")

	s.Put("a", `{"key": "1"}`)
	value, err := read()
	require.NoError(t, err)
	require.Equal(t, `{"key": "1"}`, value)

	_, err = client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String("a"), SecretString: aws.String("2")})
	require.NoError(t, err)
	value, err = read()
	require.NoError(t, err)
	require.Equal(t, "2", value)

	s.Throttle(1)
	var throttled smithy.APIError
	_, err = read()
	require.ErrorAs(t, err, &throttled)
	require.Equal(t, "ThrottlingException", throttled.ErrorCode())
	require.Equal(t, 5, s.Reads())
}
