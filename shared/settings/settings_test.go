package settings_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/settings"
)

// Cached is what several functions share.
type Cached struct {
	TTL time.Duration `env:"SECRET_TTL"`
}

type environment struct {
	Cached
	Provider settings.ProviderURL `env:"DINARDRAGON_URL"`
	SecretID string               `env:"DINARDRAGON_SECRET_ID"`
	Path     settings.Path        `env:"DINEROPAY_RECURRING_PATH"`
	Overdue  time.Duration        `env:"PAYOUT_OVERDUE_AFTER" envDefault:"30m"`
}

// given are settings without a fault; with changes one of them, or leaves it out
// where the new value is "unset".
func given(name, value string) map[string]string {
	all := map[string]string{
		"SECRET_TTL":               "5m",
		"DINARDRAGON_URL":          "https://dinardragon.com",
		"DINARDRAGON_SECRET_ID":    "DinarDragon",
		"DINEROPAY_RECURRING_PATH": "/api/v1/payment/recurring",
		"UNRELATED":                "left alone",
	}
	all[name] = value
	if value == "unset" {
		delete(all, name)
	}
	return all
}

func TestLoad(t *testing.T) {
	t.Parallel()
	got, err := settings.LoadFrom[environment](given("PAYOUT_OVERDUE_AFTER", "1h30m"))
	require.NoError(t, err)
	require.Equal(t, 5*time.Minute, got.TTL)
	require.Equal(t, "https://dinardragon.com", got.Provider.String())
	require.Equal(t, "DinarDragon", got.SecretID)
	require.Equal(t, "/api/v1/payment/recurring", got.Path.String())
	require.Equal(t, 90*time.Minute, got.Overdue)

	for _, value := range []string{"unset", ""} {
		got, err = settings.LoadFrom[environment](given("PAYOUT_OVERDUE_AFTER", value))
		require.NoError(t, err, value)
		require.Equal(t, 30*time.Minute, got.Overdue, "the default")
	}
}

func TestLoadReadsTheProcessEnvironment(t *testing.T) {
	for name, value := range given("SECRET_TTL", "7m") {
		t.Setenv(name, value)
	}
	got, err := settings.Load[environment]()
	require.NoError(t, err)
	require.Equal(t, 7*time.Minute, got.TTL)
}

func TestOneFault(t *testing.T) {
	t.Parallel()
	cases := []struct{ variable, value, says string }{
		{"SECRET_TTL", "unset", "SECRET_TTL is not set"},
		{"SECRET_TTL", "", "SECRET_TTL is empty"},
		{"SECRET_TTL", " ", "SECRET_TTL is empty"},
		{"SECRET_TTL", "5", `SECRET_TTL is "5", which is not a duration such as 5m or 1h30m`},
		{"SECRET_TTL", "soon", `SECRET_TTL is "soon", which is not a duration`},
		{"SECRET_TTL", "0s", `SECRET_TTL is "0s", but has to be more than zero`},
		{"SECRET_TTL", "-5m", `SECRET_TTL is "-5m", but has to be more than zero`},
		{"PAYOUT_OVERDUE_AFTER", "half an hour", "PAYOUT_OVERDUE_AFTER is"},
		{"DINARDRAGON_SECRET_ID", "unset", "DINARDRAGON_SECRET_ID is not set"},
		{"DINARDRAGON_URL", "http://dinardragon.com", "DINARDRAGON_URL is http"},
		{"DINEROPAY_RECURRING_PATH", "api", "DINEROPAY_RECURRING_PATH is not an absolute path"},
	}
	for _, c := range cases {
		t.Run(c.variable+"="+c.value, func(t *testing.T) {
			t.Parallel()
			got, err := settings.LoadFrom[environment](given(c.variable, c.value))
			require.ErrorContains(t, err, c.says)
			require.Zero(t, got)
			require.NotContains(t, err.Error(), ";", "one fault")
		})
	}
}

func TestAllFaultsInOneLine(t *testing.T) {
	t.Parallel()
	_, err := settings.LoadFrom[environment](map[string]string{
		"DINARDRAGON_URL":      fmt.Sprintf("https://user:%s@dinardragon.com", "MARKED"),
		"SECRET_TTL":           "a\nb",
		"PAYOUT_OVERDUE_AFTER": "never",
	})
	require.Error(t, err)
	require.Equal(t, `settings: SECRET_TTL is "a\nb", which is not a duration such as 5m or 1h30m; `+
		`DINARDRAGON_URL has a user or password in it: keys belong into the secret; `+
		`DINARDRAGON_SECRET_ID is not set; `+
		`DINEROPAY_RECURRING_PATH is not set; `+
		`PAYOUT_OVERDUE_AFTER is "never", which is not a duration such as 5m or 1h30m`, err.Error())

	_, err = settings.LoadFrom[environment](map[string]string{})
	require.Error(t, err)
	require.Equal(t, 3, strings.Count(err.Error(), ";"), "the four without a default")
	require.NotContains(t, err.Error(), "\n")
}

func TestATypeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, err := settings.LoadFrom[struct {
		Any chan int `env:"ANY"`
	}](map[string]string{"ANY": "1"})
	require.ErrorContains(t, err, "Any")
}
