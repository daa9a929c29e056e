package aws_test

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/test/internal/template"
)

func machines() map[string]elf.Machine {
	return map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}
}

// SAM says nothing about the architecture to what it builds with, and a binary
// for another one cannot start. Not in parallel: a build takes all processors, and
// the functions of other tests give up on AWS within seconds.
func TestSAMBuildsForTheArchitectureOfTheStack(t *testing.T) {
	needsEmulators(t) // and with them SAM
	loaded, err := template.Load(filepath.Join(top, "template.yaml"))
	require.NoError(t, err)
	allowed := loaded.Parameters["Architecture"].List("AllowedValues")
	require.Len(t, allowed, len(machines()))
	for _, value := range allowed {
		architecture, _ := value.(string)
		t.Run(architecture, func(t *testing.T) {
			const version = "v0.0.0-stamped-for-a-test"
			folder := filepath.Join(t.TempDir(), "build")
			build := exec.CommandContext(t.Context(), ".tools/venv/bin/sam", "build",
				"--build-dir", folder, "--parameter-overrides", "Architecture="+architecture)
			build.Dir = top
			build.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "ARCH="+architecture, "VERSION="+version)
			out, err := build.CombinedOutput()
			require.NoError(t, err, "%s", out)

			for _, f := range loaded.Functions() {
				file := filepath.Join(folder, f.ID, "bootstrap")
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				binary, err := elf.NewFile(bytes.NewReader(content))
				require.NoError(t, err)
				require.Equal(t, machines()[architecture], binary.Machine, f.ID)
				require.Nil(t, binary.Section(".interp"), "%s needs a C library, which provided.al2023 may lack", f.ID)
				require.Nil(t, binary.Section(".symtab"), "%s is not stripped", f.ID)
				require.True(t, bytes.Contains(content, []byte(version)), "%s has no version", f.ID)
			}
		})
	}
}
