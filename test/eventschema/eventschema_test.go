package eventschema_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/outcome"
	"dinarfunctions/test/eventschema"
)

func TestEveryDetailTypeHasItsSchema(t *testing.T) {
	t.Parallel()
	onDisk, err := filepath.Glob(filepath.Join(eventschema.Folder(), "*.json"))
	require.NoError(t, err)
	var files, wanted []string
	for _, file := range onDisk {
		files = append(files, filepath.Base(file))
	}
	for _, detailType := range outcome.DetailTypes() {
		wanted = append(wanted, eventschema.File(detailType))
		require.Error(t, eventschema.Check(detailType, []byte(`{}`)), "an empty detail passes for %s", detailType)
	}
	require.NotEmpty(t, wanted)
	require.ElementsMatch(t, wanted, files)
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, eventschema.Check("Charge Forgotten", []byte(`{}`)), "no detail type")
	require.ErrorContains(t, eventschema.Check("Charge Settled", []byte(`{`)), "not JSON")
}
