package stack_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"

	"dinarfunctions/cmd/internal/stack"
	"dinarfunctions/cmd/internal/stack/stacktest"
)

const table = "AWS::DynamoDB::Table"

func client(t *testing.T, handler http.Handler) *cloudformation.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return cloudformation.New(cloudformation.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("id", "key", ""),
		Retryer:      aws.NopRetryer{},
	})
}

func stacks() stacktest.Stacks {
	return stacktest.Stacks{
		"live": {
			{LogicalID: "Charges", PhysicalID: "live-Charges-1", Type: table},
			{LogicalID: "Updated", PhysicalID: "live-Updated-1", Type: table, Status: "UPDATE_COMPLETE"},
			{LogicalID: "Adopted", PhysicalID: "live-Adopted-1", Type: table, Status: "IMPORT_COMPLETE"},
			{LogicalID: "Begun", Type: table, Status: "CREATE_IN_PROGRESS"},
			{LogicalID: "Topic", PhysicalID: "shared-name", Type: "AWS::SNS::Topic"},
		},
		"gone": {
			{LogicalID: "Charges", PhysicalID: "gone-Charges-1", Type: table, Status: "DELETE_SKIPPED"},
			{LogicalID: "Topic", PhysicalID: "gone-Topic-1", Type: "AWS::SNS::Topic", Status: "DELETE_COMPLETE"},
		},
		"going": {{LogicalID: "Charges", PhysicalID: "going-Charges-1", Type: table, Status: "DELETE_FAILED"}},
	}
}

func TestResource(t *testing.T) {
	t.Parallel()
	api := client(t, stacks())
	for _, c := range []struct{ stack, logicalID, want string }{
		{"live", "Charges", "live-Charges-1"},
		{"live", "Updated", "live-Updated-1"},
		{"live", "Adopted", "live-Adopted-1"},
		{"going", "Charges", "going-Charges-1"},
		{"live", "Begun", ""},
		{"live", "Payouts", ""},
		{"gone", "Charges", ""},
		{"gone", "Topic", ""},
		{"none", "Charges", ""},
	} {
		got, err := stack.Resource(t.Context(), api, c.stack, c.logicalID)
		if c.want == "" {
			require.ErrorIs(t, err, stack.ErrNotFound, "%v", c)
			require.ErrorContains(t, err, c.stack, "%v", c)
			continue
		}
		require.NoError(t, err, "%v", c)
		require.Equal(t, c.want, got, "%v", c)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	api := client(t, stacktest.Outputs{
		"live":  {"ApiUrl": "https://api.example.com", "ApiArn": "arn:…", "Empty": ""},
		"begun": {},
	})
	got, err := stack.Output(t.Context(), api, "live", "ApiUrl")
	require.NoError(t, err)
	require.Equal(t, "https://api.example.com", got)
	for _, c := range []struct{ stack, name string }{
		{"live", "apiurl"}, {"live", "Empty"}, {"begun", "ApiUrl"}, {"none", "ApiUrl"},
	} {
		_, err := stack.Output(t.Context(), api, c.stack, c.name)
		require.ErrorIs(t, err, stack.ErrNotFound, "%v", c)
		require.ErrorContains(t, err, c.stack, "%v", c)
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	api := client(t, stacks())
	for physicalID, want := range map[string]string{
		"live-Charges-1":  "live",
		"live-Adopted-1":  "live",
		"going-Charges-1": "going",
		"gone-Charges-1":  "",
		"made-by-hand":    "",
		"shared-name":     "", // a topic's, not a table's
	} {
		got, err := stack.Owner(t.Context(), api, table, physicalID)
		require.NoError(t, err, physicalID)
		require.Equal(t, want, got, physicalID)
	}
}

// What is no clear "there is none" must never count as one.
func TestAnythingElseIsAnError(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"denied": func(w http.ResponseWriter, _ *http.Request) {
			stacktest.Refuse(w, http.StatusForbidden, "AccessDenied", "User is not authorized; the policy does not exist")
		},
		"malformed name": func(w http.ResponseWriter, _ *http.Request) {
			stacktest.Refuse(w, http.StatusBadRequest, "ValidationError", "1 validation error detected")
		},
		"throttled": func(w http.ResponseWriter, _ *http.Request) {
			stacktest.Refuse(w, http.StatusBadRequest, "Throttling", "Rate exceeded")
		},
		"not the service": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "does not exist", http.StatusNotFound) },
		"no answer":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		api := client(t, handler)
		_, err := stack.Resource(t.Context(), api, "live", "Charges")
		require.Error(t, err, name)
		require.NotErrorIs(t, err, stack.ErrNotFound, name)
		_, err = stack.Output(t.Context(), api, "live", "ApiUrl")
		require.Error(t, err, name)
		require.NotErrorIs(t, err, stack.ErrNotFound, name)
		_, err = stack.Owner(t.Context(), api, table, "live-Charges-1")
		require.Error(t, err, name)
	}
}
