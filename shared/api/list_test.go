package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/api"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	for raw, fields := range map[string][]string{
		"":                         nil,
		"state=held&limit=3":       nil,
		"state=&cursor=a%2Bb":      nil,
		"sate=held":                {"sate"},
		"limit=1&limit=2":          {"limit"},
		"x=1&limit=1&limit=1&a=2":  {"a", "limit", "x"},
		"cursor=%%%":               {},
		"limit=1;state=failed":     {},
		"state=%zz":                {},
		"Limit=1":                  {"Limit"},
		"state=held&state%20=held": {"state "},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/things", nil)
			r.URL.RawQuery = raw
			query, err := api.Query(r, "state", "limit", "cursor")
			if fields == nil {
				require.NoError(t, err)
				require.Equal(t, r.URL.Query(), query)
				return
			}
			var problem *api.Problem
			require.ErrorAs(t, err, &problem)
			require.Equal(t, http.StatusBadRequest, problem.Status)
			var blamed []string
			for _, e := range problem.Errors {
				blamed = append(blamed, e.Field)
			}
			require.ElementsMatch(t, fields, blamed)
		})
	}
}
