package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	simdineropay "dinarfunctions/sandbox/provider/dineropay"
)

// In the documents, a block marked console is a session: each line that begins
// with "$ " is a command, and what follows it is all that it prints. The block
// marked sh that names the sandbox's address defines what the commands use.
var (
	preambleInDocs = regexp.MustCompile("(?ms)^```sh\n(API=http://127\\.0\\.0\\.1:8080\n.*?)^```\n")
	sessionInDocs  = regexp.MustCompile("(?ms)^```console\n(.*?)^```\n")
	testInDocs     = regexp.MustCompile(`([\w/.-]+_test\.go):(Test\w+)`)
	// What is new each time.
	varies = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?`)
)

// docs reads the documents that hold sessions or name tests.
func docs(t *testing.T) map[string]string {
	t.Helper()
	runbooks, err := filepath.Glob("../docs/runbooks/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, runbooks)
	texts := map[string]string{}
	for _, path := range append(runbooks, "../docs/faults.md", "../docs/calls.md") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		texts[path] = string(text)
	}
	return texts
}

// What the documents show is what the sandbox does, line by line. Each section has
// a sandbox of its own, so that one section's faults do not meet another's charges.
func TestTheDocumentsShowWhatHappens(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the sessions of the documents need %s, which this machine lacks", program)
		}
	}
	for path, text := range docs(t) {
		preamble := preambleInDocs.FindStringSubmatch(text)
		if preamble == nil {
			require.NotRegexp(t, sessionInDocs, text, "%s has sessions, but does not say where the sandbox is", path)
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			// Beginning with its second line, so that joining gives the text again.
			sections := strings.SplitAfter(text, "\n## ")
			done := make([]string, len(sections))
			t.Run("sections", func(t *testing.T) {
				for i, section := range sections {
					done[i] = section
					if !sessionInDocs.MatchString(section) {
						continue
					}
					title, _, _ := strings.Cut(section, "\n")
					t.Run(title, func(t *testing.T) {
						t.Parallel()
						done[i] = play(t, preamble[1], section)
						if !*update {
							require.Equal(t, section, done[i], "write it anew: go test ./sandbox -run Documents -update")
						}
					})
				}
			})
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(strings.Join(done, "")), 0o600))
			}
		})
	}
}

// play runs a section's sessions, one after the other in one shell, and returns
// the section with what the commands printed. Of lines that differ only in what is
// new each time, those that are written stay.
func play(t *testing.T, preamble, section string) string {
	t.Helper()
	data := t.TempDir()
	s, err := start(t.Context(), "127.0.0.1:0", filepath.Join(data, "ledger.db"), filepath.Join(data, "functions.log"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })

	const mark = "\x01"
	var script strings.Builder
	script.WriteString(strings.NewReplacer("http://127.0.0.1:8080", s.apiURL, ".sandbox/try/", data+"/").Replace(preamble))
	for _, session := range sessionInDocs.FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(session[1]) {
			if command, is := strings.CutPrefix(line, "$ "); is {
				fmt.Fprintf(&script, "printf '%s'\n%s", mark, command)
			}
		}
	}
	script.WriteString("exit 0\n")
	shell := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	shell.Stderr = os.Stderr
	out, err := shell.Output()
	require.NoError(t, err, "%s", out)
	printed := strings.Split(string(out), mark)[1:]
	for i, text := range printed {
		if text != "" && !strings.HasSuffix(text, "\n") { // the API's answers end without one
			printed[i] += "\n"
		}
	}

	next := 0
	return sessionInDocs.ReplaceAllStringFunc(section, func(block string) string {
		var played strings.Builder
		played.WriteString("```console\n")
		for line := range strings.Lines(sessionInDocs.FindStringSubmatch(block)[1]) {
			if strings.HasPrefix(line, "$ ") {
				played.WriteString(line)
				played.WriteString(printed[next])
				next++
			}
		}
		played.WriteString("```\n")
		if varies.ReplaceAllString(played.String(), "") == varies.ReplaceAllString(block, "") {
			return block
		}
		return played.String()
	})
}

// Each fault that the simulated provider knows is met in a session on faults, by a
// charge and by a status request if it is for both.
func TestTheDocumentsShowEveryFault(t *testing.T) {
	t.Parallel()
	met := map[string][]string{}
	script := regexp.MustCompile(`"(charge|status)": \[(.*?)\]`)
	for _, session := range sessionInDocs.FindAllStringSubmatch(docs(t)["../docs/faults.md"], -1) {
		for _, scripted := range script.FindAllStringSubmatch(session[1], -1) {
			for fault := range strings.SplitSeq(scripted[2], ", ") {
				met[scripted[1]] = append(met[scripted[1]], strings.Trim(fault, `"`))
			}
		}
	}
	for _, fault := range simdineropay.Faults() {
		for _, request := range fault.Requests {
			require.True(t, slices.Contains(met[request], string(fault.Fault)), "docs/faults.md shows no %s request with the fault %s", request, fault.Fault)
		}
	}
}

// A test that a document names is there.
func TestTheDocumentsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	named := 0
	for path, text := range docs(t) {
		for _, name := range testInDocs.FindAllStringSubmatch(text, -1) {
			named++
			code, err := os.ReadFile(filepath.Join("..", name[1]))
			require.NoError(t, err, path)
			require.Contains(t, string(code), "\nfunc "+name[2]+"(", path)
		}
	}
	require.NotZero(t, named)
}
