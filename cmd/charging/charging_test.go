package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack/stacktest"
	"dinarfunctions/shared/charge"
)

// What must never get out holds the mark.
const (
	marked       = "MARKED"
	secretKey    = "MARKED-secret-access-key"
	sessionToken = "MARKED-session-token"
	host         = "abc123.execute-api.eu-central-1.amazonaws.com"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// TestMain lets the test binary be the command itself, for exit codes.
func TestMain(m *testing.M) {
	if os.Getenv("CHARGING_TEST_RUNS_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// seen is a request that reached the API.
type seen struct {
	method, url, body string
	header            http.Header
}

// account is an AWS account with the bundle in it: CloudFormation, and the API as
// its callers see it.
type account struct {
	outputs stacktest.Outputs
	answer  http.HandlerFunc

	mu       sync.Mutex
	requests []seen
}

func newAccount() *account {
	return &account{
		outputs: stacktest.Outputs{"shop": {"ApiUrl": "https://" + host, "ApiArn": "arn"}},
		answer:  echo,
	}
}

// echo takes what it is told, and is stopped otherwise.
func echo(w http.ResponseWriter, r *http.Request) {
	var in struct{ Mode, Note string }
	switch r.Method {
	case http.MethodPut:
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			panic(err)
		}
	default:
		in.Mode, in.Note = "stopped", "by somebody"
	}
	say(http.StatusOK, fmt.Sprintf(`{"mode": %q, "note": %q, "set_at": "2026-11-21T12:00:00.250Z"}`, in.Mode, in.Note))(w, r)
}

func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	a.mu.Lock()
	a.requests = append(a.requests, seen{r.Method, "https://" + r.Host + r.URL.RequestURI(), string(body), r.Header.Clone()})
	a.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	a.answer(w, r)
}

// program is the command in that account. Whatever address it calls by https, the
// account's API answers.
func (a *account) program(t *testing.T) (p program, stdout, stderr *bytes.Buffer) {
	t.Helper()
	clouds := httptest.NewServer(a.outputs)
	t.Cleanup(clouds.Close)
	api := httptest.NewTLSServer(a)
	t.Cleanup(api.Close)
	transport := api.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // what its certificate is for
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, api.Listener.Addr().String())
	}
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return program{
		stdout: stdout, stderr: stderr, transport: transport,
		now: func() time.Time { return noon.Add(time.Second) },
		config: func(_ context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
			given := config.LoadOptions{Region: "us-east-1"}
			for _, option := range options {
				if err := option(&given); err != nil {
					return aws.Config{}, err
				}
			}
			return aws.Config{
				Region: given.Region, BaseEndpoint: &clouds.URL,
				Credentials: credentials.NewStaticCredentialsProvider("id", secretKey, sessionToken),
				Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
			}, nil
		},
	}, stdout, stderr
}

// run runs the command and makes sure that nothing secret gets out.
func (a *account) run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	p, out, usage := a.program(t)
	err = p.run(t.Context(), args)
	require.NotContains(t, fmt.Sprintf("%s\n%s\n%+v", out, usage, err), marked)
	return out.String(), err
}

// requireSigned signs the request anew and compares.
func requireSigned(t *testing.T, r seen, region string) {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", r.header.Get("X-Amz-Date"))
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Second), at)
	again, err := http.NewRequestWithContext(t.Context(), r.method, r.url, strings.NewReader(r.body))
	require.NoError(t, err)
	for _, name := range []string{"Accept", "Content-Type"} {
		if value := r.header.Get(name); value != "" {
			again.Header.Set(name, value)
		}
	}
	digest := sha256.Sum256([]byte(r.body))
	identity := aws.Credentials{AccessKeyID: "id", SecretAccessKey: secretKey, SessionToken: sessionToken}
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), identity, again, hex.EncodeToString(digest[:]), "execute-api", region, at))
	require.Equal(t, again.Header.Get("Authorization"), r.header.Get("Authorization"))
	require.Equal(t, sessionToken, r.header.Get("X-Amz-Security-Token"))
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	samconfig := filepath.Join(t.TempDir(), "samconfig.toml")
	require.NoError(t, os.WriteFile(samconfig, []byte("[live.deploy.parameters]\nstack_name = \"shop\"\nregion = \"me-south-1\"\n"), 0o600))
	for name, c := range map[string]struct {
		args   []string
		method string
		url    string
		body   string
		region string
		out    string
	}{
		"look": {
			[]string{"-stack", "shop"},
			http.MethodGet, "https://" + host + "/charging", "", "us-east-1",
			"Charging is stopped at shop, https://" + host + ".\nSince 2026-11-21T12:00:01Z, note: \"by somebody\".\n" +
				"In force everywhere at 2026-11-21T12:00:11Z, 10 seconds from now. A charge that is begun before then ends within another 29.\n",
		},
		"stop": {
			[]string{"-stack", "shop", "-mode", "stopped", "-note", `it's "down" مغلق`},
			http.MethodPut, "https://" + host + "/charging", `{"mode":"stopped","note":"it's \"down\" مغلق"}`, "us-east-1",
			`Charging is stopped at shop, https://` + host + ".\nSince 2026-11-21T12:00:01Z, note: \"it's \\\"down\\\" مغلق\".\n",
		},
		"start by the environment": {
			[]string{"-env", "live", "-samconfig", samconfig, "-mode", "live"},
			http.MethodPut, "https://" + host + "/charging", `{"mode":"live"}`, "me-south-1",
			"Charging is live at shop",
		},
		"by the address, which tells the region": {
			[]string{"-api", "https://" + host + "/", "-mode", "ask_first"},
			http.MethodPut, "https://" + host + "/charging", `{"mode":"ask_first"}`, "eu-central-1",
			"Charging is ask_first at https://" + host + ".\n",
		},
		"an address of its own": {
			[]string{"-api", "https://pay.example.com/v1"},
			http.MethodGet, "https://pay.example.com/v1/charging", "", "us-east-1",
			"Charging is stopped at https://pay.example.com/v1.\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount()
			out, err := a.run(t, c.args...)
			require.NoError(t, err)
			require.Contains(t, out, c.out)
			require.Len(t, a.requests, 1)
			r := a.requests[0]
			require.Equal(t, c.method, r.method)
			require.Equal(t, c.url, r.url)
			require.Equal(t, c.body, r.body)
			if c.body != "" {
				require.Equal(t, "application/json", r.header.Get("Content-Type"))
			}
			requireSigned(t, r, c.region)
		})
	}
}

func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, want, not string }{
		"never set":          {`{"mode": "live", "note": null, "set_at": null}`, "The switch was never set.\n", "In force"},
		"long ago":           {`{"mode": "live", "note": null, "set_at": "2026-11-20T12:00:00Z"}`, "Since 2026-11-20T12:00:00Z.\nIn force everywhere.\n", "note"},
		"by a clock ahead":   {`{"mode": "live", "set_at": "2026-11-21T12:03:00Z"}`, "In force everywhere at 2026-11-21T12:00:11Z", "note"},
		"in another zone":    {`{"mode": "live", "set_at": "2026-11-20T15:00:00+03:00"}`, "Since 2026-11-20T12:00:00Z", ""},
		"of a later version": {`{"mode": "live", "by": "somebody", "set_at": null}`, "Charging is live", ""},
		"note of a terminal": {`{"mode": "stopped", "note": "\u001b[2J\nx", "set_at": "2026-11-21T12:00:00Z"}`, `note: "\x1b[2J\nx"`, "\x1b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount()
			a.answer = say(http.StatusOK, c.answer)
			out, err := a.run(t, "-stack", "shop")
			require.NoError(t, err)
			require.Contains(t, out, c.want)
			if c.not != "" {
				require.NotContains(t, out, c.not)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const touchedNot, notKnown = "the switch was not touched", "whether the switch was set is not known: run this again"
	ledger := `{"title": "Service Unavailable", "status": 503, "detail": "The ledger cannot be reached now. Nothing was sent."}`
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
		put    string // what is said besides, after a PUT
	}{
		"forbidden":          {say(403, `{"message":"Forbidden"}`), "execute-api:Invoke on the stack's output ApiArn followed by /$default/", touchedNot},
		"forbidden, an echo": {say(403, `{"message":"The canonical string was x-amz-security-token:`+sessionToken+`"}`), "execute-api:Invoke", touchedNot},
		"unauthorised":       {say(401, `{"message":"Unauthorized"}`), "execute-api:Invoke", touchedNot},
		"no route":           {say(404, `{"message":"Not Found"}`), `404 "Not Found"): see whether the address is the API's`, touchedNot},
		"no method":          {say(405, `{"detail":"There is no PUT."}`), "make deploy", touchedNot},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example.com/", http.StatusPermanentRedirect)
		}, "(308)", touchedNot},
		"a fault in a field":  {say(422, `{"detail":"Not acceptable.","errors":[{"field":"note","message":"must have at most 1024 characters"}]}`), "note: must have at most 1024 characters", touchedNot},
		"too often":           {say(429, `{"message":"Too Many Requests"}`), "in a moment", touchedNot},
		"no ledger":           {say(503, ledger), `cannot reach its ledger, DynamoDB's table (503 "The ledger cannot be reached now.`, notKnown},
		"no function":         {say(503, `{"message":"Service Unavailable"}`), "gave API Gateway no answer", notKnown},
		"a failed function":   {say(500, `{"message":"Internal Server Error"}`), "look at its log", notKnown},
		"somebody's page":     {say(502, "<html>\x1b[2J</html>"), "(502)", notKnown},
		"an endless text":     {say(500, `{"message":"`+strings.Repeat("é", wordsLimit)+`"}`), "…", notKnown},
		"a page as an answer": {say(200, "<html>"), "is not about the switch", notKnown},
		"no mode":             {say(200, `{}`), "is not about the switch", notKnown},
		"another mode":        {say(200, `{"mode": "paused"}`), "no mode that is known", notKnown},
		"repeated":            {say(200, `{"mode": "stopped", "mode": "live"}`), "is not about the switch", notKnown},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"mode"`)
		}, "broke off", notKnown},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no answer from the API", notKnown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount()
			a.answer = c.answer
			out, err := a.run(t, "-stack", "shop")
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "the switch was")
			require.NotContains(t, err.Error(), "\x1b")
			require.Empty(t, out)

			out, err = a.run(t, "-stack", "shop", "-mode", "stopped")
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, c.put)
			require.NotContains(t, err.Error(), "\x1b")
			require.Less(t, len(err.Error()), 1200)
			require.Empty(t, out)
			require.Len(t, a.requests, 2, "each is asked once")
		})
	}

	t.Run("what was not asked for", func(t *testing.T) {
		t.Parallel()
		a := newAccount()
		a.answer = say(http.StatusOK, `{"mode": "live"}`)
		_, err := a.run(t, "-stack", "shop", "-mode", "stopped")
		require.ErrorContains(t, err, "mode live instead of stopped")
		require.ErrorContains(t, err, notKnown)
	})
	t.Run("out of reach", func(t *testing.T) {
		t.Parallel()
		p, _, _ := newAccount().program(t)
		p.transport = http.DefaultTransport
		gone := httptest.NewServer(nil)
		gone.Close()
		err := p.run(t.Context(), []string{"-api", gone.URL, "-mode", "stopped"})
		require.ErrorContains(t, err, "cannot be reached")
		require.ErrorContains(t, err, touchedNot)
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		a := newAccount()
		p, _, _ := a.program(t)
		ctx, cancel := context.WithCancel(t.Context())
		a.answer = func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}
		err := p.run(ctx, []string{"-api", "https://" + host, "-mode", "stopped"})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, notKnown)
	})
	t.Run("a note that is no text", func(t *testing.T) {
		t.Parallel()
		a := newAccount()
		_, err := a.run(t, "-stack", "shop", "-mode", "stopped", "-note", "x\xff")
		require.ErrorContains(t, err, "UTF-8")
		require.Empty(t, a.requests)
	})
}

func TestWhereTheAPIIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outputs stacktest.Outputs
		says    string
	}{
		"no such stack":  {stacktest.Outputs{}, "region us-east-1"},
		"no such output": {stacktest.Outputs{"shop": {"ApiArn": "arn"}}, "ApiUrl"},
		"no address":     {stacktest.Outputs{"shop": {"ApiUrl": "shop"}}, "ApiUrl of stack shop is not"},
		"not encrypted":  {stacktest.Outputs{"shop": {"ApiUrl": "http://" + host}}, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount()
			a.outputs = c.outputs
			_, err := a.run(t, "-stack", "shop", "-mode", "stopped")
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "the switch was not touched")
			require.Empty(t, a.requests)
		})
	}
	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		p, _, _ := newAccount().program(t)
		for want, cfg := range map[string]func() (aws.Config, error){
			"AWS_REGION":      func() (aws.Config, error) { return aws.Config{}, nil },
			"no such profile": func() (aws.Config, error) { return aws.Config{}, errors.New("no such profile") },
			"sign in":         func() (aws.Config, error) { return aws.Config{Region: "eu-central-1"}, nil },
			"expired": func() (aws.Config, error) {
				return aws.Config{Region: "eu-central-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{}, errors.New("expired")
				})}, nil
			},
		} {
			p.config = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) { return cfg() }
			err := p.run(t.Context(), []string{"-api", "https://pay.example.com", "-mode", "stopped"})
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "the switch was not touched")
		}
	})
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, region := range map[string]string{
		"https://abc.execute-api.me-south-1.amazonaws.com":        "me-south-1",
		"https://abc.execute-api.cn-north-1.amazonaws.com.cn/":    "cn-north-1",
		"https://abc.execute-api.me-south-1.amazonaws.com/stage":  "me-south-1",
		"https://abc.execute-api.me-south-1.example.com":          "",
		"https://pay.example.com":                                 "",
		"https://pay.example.com/a.execute-api.x.amazonaws.com/b": "",
		"http://127.0.0.1:8080":                                   "",
		"http://[::1]:8080":                                       "",
		"http://localhost:8080":                                   "",
	} {
		got, err := parseAddress(text)
		require.NoError(t, err, text)
		require.Equal(t, region, got.region(), text)
		require.Equal(t, strings.HasPrefix(text, "http:"), got.onThisMachine(), text)
		require.Equal(t, strings.TrimSuffix(text, "/")+"/charging", got.charging())
	}
	for _, text := range []string{
		"", "abc", "ftp://x", "http://" + host, "http://192.168.1.7", "http://host.docker.internal:8080",
		"http://localhost.example.com", "https://id:key@" + host, "https://" + host + "?x=1",
	} {
		_, err := parseAddress(text)
		require.Error(t, err, text)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"-mode", "stopped"}, {"-stack", "shop", "-env", "live"}, {"-stack", "shop", "-api", "https://" + host},
		{"-stack", "shop", "-mode", "off"}, {"-stack", "shop", "-mode", "STOPPED"}, {"-stack", "shop", "-note", "why"},
		{"-stack", "shop", "-mode", "stopped", "-note", "provider", "is", "down"}, {"-stack", "shop", "stopped"},
		{"-api", "http://" + host}, {"-api", "https://id:MARKED@" + host}, {"-stop"}, {"-h"},
	} {
		a := newAccount()
		p, stdout, stderr := a.program(t)
		require.ErrorIs(t, p.run(t.Context(), args), command.ErrUsage, "%q", args)
		require.NotEmpty(t, stderr.String(), "%q", args)
		require.NotContains(t, stderr.String(), marked, "%q", args)
		require.Empty(t, stdout.String(), "%q", args)
		require.Empty(t, a.requests, "%q", args)
	}
}

// brokenPipe is standard output that nobody reads any more.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestNobodyReads(t *testing.T) {
	t.Parallel()
	p, _, _ := newAccount().program(t)
	p.stdout = brokenPipe{}
	require.ErrorContains(t, p.run(t.Context(), []string{"-stack", "shop", "-mode", "stopped"}), "was set to stopped, but")
}

func TestCommand(t *testing.T) {
	t.Parallel()
	a := newAccount()
	api := httptest.NewServer(a)
	t.Cleanup(api.Close)
	clouds := httptest.NewServer(stacktest.Outputs{"shop-test": {"ApiUrl": api.URL}})
	t.Cleanup(clouds.Close)
	samconfig := filepath.Join(t.TempDir(), "samconfig.toml")
	require.NoError(t, os.WriteFile(samconfig, []byte("[test.deploy.parameters]\nstack_name = \"shop-test\"\n"), 0o600))
	for name, c := range map[string]struct {
		args           []string
		env            []string
		code           int
		stdout, stderr string
	}{
		"sandbox, without an account": {[]string{"-api", api.URL, "-mode", "stopped"}, nil, 0, "Charging is stopped at " + api.URL, ""},
		"by the environment": {
			[]string{"-env", "test", "-samconfig", samconfig},
			[]string{"AWS_ENDPOINT_URL=" + clouds.URL, "AWS_REGION=me-south-1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=" + secretKey},
			0, "Charging is stopped at shop-test, ", "",
		},
		"no such stack": {
			[]string{"-stack", "shop"},
			[]string{"AWS_ENDPOINT_URL=" + clouds.URL, "AWS_REGION=me-south-1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=" + secretKey},
			1, "", "charging: the API cannot be found in region me-south-1",
		},
		"no such environment": {[]string{"-env", "live", "-samconfig", samconfig}, nil, 1, "", "live.deploy.parameters"},
		"usage":               {[]string{"-mode", "stopped"}, nil, 2, "", "give one of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), os.Args[0], c.args...)
			run.Env = append(c.env, "CHARGING_TEST_RUNS_MAIN=1", "HOME="+t.TempDir())
			var stdout, stderr bytes.Buffer
			run.Stdout, run.Stderr = &stdout, &stderr
			if err := run.Run(); err != nil {
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
			}
			require.Equal(t, c.code, run.ProcessState.ExitCode(), stderr.String())
			require.Contains(t, stdout.String(), c.stdout)
			require.Contains(t, stderr.String(), c.stderr)
			require.NotContains(t, stdout.String()+stderr.String(), marked)
		})
	}
	t.Cleanup(func() {
		require.Len(t, a.requests, 2)
		for _, r := range a.requests {
			require.Contains(t, r.header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=sandbox/", "nothing of the account")
			require.Empty(t, r.header.Get("X-Amz-Security-Token"))
		}
	})
}

// What is typed at make has to arrive as it was typed.
func TestMake(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	folder := t.TempDir()
	fake := "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\n" // instead of go
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go"), []byte(fake), 0o700))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"stop", "ENV=live", "NOTE=it's \"down\" $HOME $(HOME) `x` #5"}, "<-env><live><-mode><stopped><-note><it's \"down\" $HOME $(HOME) `x` #5>"},
		{[]string{"stop", "ENV=test"}, "<-env><test><-mode><stopped><-note><>"},
		{[]string{"start", "ENV=live"}, "<-env><live><-mode><live><-note><>"},
		{[]string{"start", "ENV=live", "MODE=ask_first", "NOTE=restored"}, "<-env><live><-mode><ask_first><-note><restored>"},
	} {
		run := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-C", "../.."}, c.args...)...)
		run.Env = []string{"PATH=" + folder + ":" + os.Getenv("PATH"), "HOME=" + folder}
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "<run><./cmd/charging>"+c.want, "%q", c.args)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"mode": "live", "note": null, "set_at": null}`, `{"mode": "stopped", "note": "why", "set_at": "2026-11-21T12:00:00.000Z"}`,
		`{"mode": "ask_first", "set_at": "2026-11-21T15:00:00+03:00"}`, `{"mode": "off"}`, `{"Mode": "live"}`, `{}`, `[]`, `null`, ``, "\xff",
		`{"mode": "live", "mode": "stopped"}`, `{"mode": "live"}x`, `{"mode": "live", "set_at": "yesterday"}`,
		`{"detail": "no", "errors": [{"field": "note", "message": "long"}]}`, `{"message": "Forbidden"}`,
	} {
		f.Add([]byte(seed), 503)
	}
	f.Fuzz(func(t *testing.T, raw []byte, status int) {
		if s, err := decode(raw); err == nil {
			require.Contains(t, charge.Modes(), s.Mode)
		}
		told := explain(http.MethodPut, status, raw)
		require.Less(t, len(told), 10*wordsLimit)
		require.NotContains(t, told, "\x1b")
		require.NotContains(t, told, "\n")
	})
}
