package version_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/version"
)

func TestWithoutStampItIsDev(t *testing.T) {
	require.Equal(t, "dev", version.String())
}

// A wrong import path in -X is no error for the linker: only a built binary
// shows that the stamp arrives.
func TestStampArrives(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "printversion")
	build := exec.CommandContext(t.Context(), "go", "build",
		"-ldflags", "-X dinarfunctions/shared/version.version=v1.2.3-stamped",
		"-o", binary, "./testdata/printversion")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "go build: %s", out)

	out, err = exec.CommandContext(t.Context(), binary).Output()
	require.NoError(t, err)
	require.Equal(t, "v1.2.3-stamped", string(out))
}
