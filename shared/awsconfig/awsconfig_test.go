package awsconfig_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/awsconfig"
)

// lambdaEnv sets what Lambda sets, and keeps the developer's own AWS files and
// variables out.
func lambdaEnv(t *testing.T) {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_REGION":                        "eu-central-1",
		"AWS_DEFAULT_REGION":                "",
		"AWS_ACCESS_KEY_ID":                 "id",
		"AWS_SECRET_ACCESS_KEY":             "MARKED-aws",
		"AWS_SESSION_TOKEN":                 "MARKED-session",
		"AWS_PROFILE":                       "",
		"AWS_CONFIG_FILE":                   nowhere,
		"AWS_SHARED_CREDENTIALS_FILE":       nowhere,
		"AWS_ENDPOINT_URL":                  "",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER":  "",
		"AWS_ENDPOINT_URL_DYNAMODB":         "",
		"AWS_ENDPOINT_URL_DYNAMODB_STREAMS": "",
		"AWS_MAX_ATTEMPTS":                  "",
		"AWS_RETRY_MODE":                    "",
		"AWS_EC2_METADATA_DISABLED":         "",
	} {
		t.Setenv(name, value)
	}
}

func TestEndpoints(t *testing.T) {
	const all, own = "http://127.0.0.1:4000", "http://127.0.0.1:5000"
	cases := []struct {
		name, all, own string
		want           string
	}{
		{"none: the service's own address", "", "", ""},
		{"one for all", all, "", all},
		{"one for this service", "", own, own},
		{"the service's before the common one", all, own, own},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			lambdaEnv(t)
			t.Setenv("AWS_ENDPOINT_URL", c.all)
			t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", c.own)
			t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", c.own)
			t.Setenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", c.own)
			cfg, err := awsconfig.Load(t.Context())
			require.NoError(t, err)
			for service, got := range map[string]*string{
				"Secrets Manager":  secretsmanager.NewFromConfig(cfg).Options().BaseEndpoint,
				"DynamoDB":         dynamodb.NewFromConfig(cfg).Options().BaseEndpoint,
				"DynamoDB Streams": dynamodbstreams.NewFromConfig(cfg).Options().BaseEndpoint,
			} {
				if c.want == "" {
					require.Nil(t, got, service)
					continue
				}
				require.NotNil(t, got, service)
				require.Equal(t, c.want, *got, service)
			}
		})
	}
}

func TestACallReachesTheEndpointAndIsTriedThreeTimes(t *testing.T) {
	lambdaEnv(t)
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("X-Amz-Security-Token") != "MARKED-session" {
			http.Error(w, "unsigned", http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	id := "name"
	_, err = secretsmanager.NewFromConfig(cfg).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "MARKED")
	require.EqualValues(t, 3, calls.Load())
}

// A service that takes the connection and never answers.
func TestASilentServiceEndsWellBeforeTheFunction(t *testing.T) {
	lambdaEnv(t)
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	require.True(t, ok)
	require.Equal(t, time.Second, client.GetDialer().Timeout)
	require.Equal(t, time.Second, client.GetTransport().TLSHandshakeTimeout)
	endpoint, id := "http://silent.invalid", "name"
	cfg.BaseEndpoint = &endpoint

	synctest.Test(t, func(t *testing.T) {
		var far []net.Conn
		cfg.HTTPClient = client.WithTransportOptions(func(tr *http.Transport) {
			tr.Proxy = nil
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				near, end := net.Pipe()
				far = append(far, end)
				return near, nil
			}
		})
		began := time.Now()
		_, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
		require.Error(t, err)
		require.Len(t, far, 3)
		took := time.Since(began)
		require.GreaterOrEqual(t, took, 9*time.Second)
		require.Less(t, took, 10*time.Second)
	})
}

func TestWithoutARegion(t *testing.T) {
	lambdaEnv(t)
	t.Setenv("AWS_REGION", "")
	_, err := awsconfig.Load(t.Context())
	require.ErrorContains(t, err, "AWS_REGION")
}

func TestWithoutCredentialsNoHostIsAsked(t *testing.T) {
	lambdaEnv(t)
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	_, err = cfg.Credentials.Retrieve(t.Context())
	require.Error(t, err)
	require.Zero(t, calls.Load())
}

func TestMalformedSettings(t *testing.T) {
	lambdaEnv(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "many")
	_, err := awsconfig.Load(t.Context())
	require.ErrorContains(t, err, "AWS settings")
}
