package target

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"test", "live"} {
		got, err := Read("../../../samconfig.toml", env)
		require.NoError(t, err)
		require.Equal(t, "dinar-functions-"+env, got.Stack)
	}

	file := filepath.Join(t.TempDir(), "samconfig.toml")
	require.NoError(t, os.WriteFile(file, []byte(`version = 0.1
[live.deploy.parameters]
stack_name = "another"
[test.deploy.parameters]
# stack_name = "commented out"
stack_name="shop-\u0074est"
region = "me-south-1"
profile = "shop"
confirm_changeset = true
[test.build.parameters]
stack_name = "of a build"
`), 0o600))
	got, err := Read(file, "test")
	require.NoError(t, err)
	require.Equal(t, Target{Stack: "shop-test", Region: "me-south-1", Profile: "shop"}, got)
	require.Len(t, got.Options(), 2)

	for env, fault := range map[string]string{"": "no environment", "stage": "no stack_name in [stage.deploy.parameters]"} {
		_, err = Read(file, env)
		require.ErrorContains(t, err, fault)
	}
	_, err = Read(file+".gone", "test")
	require.ErrorIs(t, err, os.ErrNotExist)
}
