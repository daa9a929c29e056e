package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack/stacktest"
	"dinarfunctions/shared/hidden"
)

// Every value in these tests holds the mark, so that a search finds what got out.
const (
	marked    = "MARKED"
	key       = "MARKED-private"
	merchant  = "MARKED-merchant"
	password  = `MARKED-pa"ss <1>`
	dragonARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:DinarDragonSecret-AbCdEf"
	dineroARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:DineroPaySecret-GhIjKl"
	everyText = `{"private_key": "` + key + `", "merchant_key": "` + merchant + `", "merchant_password": "MARKED-pa\"ss <1>"}`

	dragonValue = `{"private_key":"MARKED-private"}`
	dineroValue = `{"merchant_key":"MARKED-merchant","merchant_password":"MARKED-pa\"ss <1>"}`
)

// TestMain lets the test binary be the command itself, for exit codes and the
// terminal.
func TestMain(m *testing.M) {
	if os.Getenv("SECRETS_TEST_RUNS_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// account is an AWS account: Secrets Manager, in its own protocol, and
// CloudFormation.
type account struct {
	stacks stacktest.Stacks
	// fault, if set, may answer PutSecretValue itself; it then returns true.
	fault func(w http.ResponseWriter, id, value string) bool

	mu     sync.Mutex
	values map[string]string // what was put, by ARN or name
	looked int               // how often CloudFormation was asked
}

func newAccount(stack string) *account {
	return &account{
		stacks: stacktest.Stacks{stack: {
			{LogicalID: "DinarDragonSecret", PhysicalID: dragonARN, Type: "AWS::SecretsManager::Secret"},
			{LogicalID: "DineroPaySecret", PhysicalID: dineroARN, Type: "AWS::SecretsManager::Secret"},
		}},
		values: map[string]string{},
	}
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		a.looked++
		a.stacks.ServeHTTP(w, r)
		return
	}
	var in struct{ SecretId, SecretString, ClientRequestToken string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || target != "secretsmanager.PutSecretValue" || in.ClientRequestToken == "" {
		refuse(w, http.StatusBadRequest, "InvalidParameterException", "unexpected request")
		return
	}
	if a.fault != nil && a.fault(w, in.SecretId, in.SecretString) {
		return
	}
	a.values[in.SecretId] = in.SecretString
	answer(w, http.StatusOK, map[string]string{"ARN": in.SecretId, "VersionId": in.ClientRequestToken})
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	answer(w, status, map[string]string{"__type": kind, "Message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *account) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server.URL
}

// outcome is all that a run lets out.
type outcome struct {
	stdout, stderr string
	err            error
}

func (o outcome) text() string {
	return fmt.Sprintf("%s\n%s\n%v\n%+v", o.stdout, o.stderr, o.err, o.err)
}

// run runs the command on the account and makes sure that no value gets out.
func (a *account) run(t *testing.T, prompt prompter, stdin io.Reader, args ...string) outcome {
	t.Helper()
	url := a.serve(t)
	var stdout, stderr bytes.Buffer
	p := program{
		prompt: prompt, stdin: stdin, stdout: &stdout, stderr: &stderr,
		config: func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) {
			return configOf(url), nil
		},
	}
	err := p.run(t.Context(), args)
	o := outcome{stdout.String(), stderr.String(), err}
	require.NotContains(t, o.text(), marked)
	return o
}

func configOf(url string) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("id", "key", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

func TestStandardInput(t *testing.T) {
	t.Parallel()
	dinero := `{"merchant_key": "` + merchant + `", "merchant_password": "MARKED-pa\"ss <1>"}`
	for name, c := range map[string]struct {
		input string
		args  []string
		want  map[string]string
	}{
		"both":               {everyText, nil, map[string]string{dragonARN: dragonValue, dineroARN: dineroValue}},
		"one":                {dragonValue, nil, map[string]string{dragonARN: dragonValue}},
		"the other":          {dinero, nil, map[string]string{dineroARN: dineroValue}},
		"only one":           {dinero, []string{"-only", "dineropay"}, map[string]string{dineroARN: dineroValue}},
		"with white space":   {"\n " + dragonValue + "\n", nil, map[string]string{dragonARN: dragonValue}},
		"a secret by name":   {everyText, []string{"-dineropay-secret", "mine"}, map[string]string{dragonARN: dragonValue, "mine": dineroValue}},
		"an escaped letter":  {`{"private_key": "\u004dARKED-private"}`, nil, map[string]string{dragonARN: dragonValue}},
		"another stack name": {dragonValue, []string{"-stack", "dinar-functions"}, map[string]string{dragonARN: dragonValue}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("dinar-functions")
			o := a.run(t, nil, strings.NewReader(c.input), c.args...)
			require.NoError(t, o.err)
			require.Equal(t, c.want, a.values)
			for id := range c.want {
				require.Contains(t, o.stdout, id, "says which secret was set")
			}
			require.Contains(t, o.stdout, "SECRET_TTL")
			require.Empty(t, o.stderr)
		})
	}
}

// Whatever is wrong with anything, nothing is written and nothing is quoted.
func TestRefusedInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		input string
		says  string
	}{
		"empty":             {"", "is not one JSON object"},
		"null":              {"null", "is not one JSON object"},
		"bare value":        {marked, "is not one JSON object"},
		"text":              {`"` + marked + `"`, "is not one JSON object"},
		"array":             {`["` + marked + `"]`, "is not one JSON object"},
		"no field":          {"{}", "has no field"},
		"number":            {`{"private_key": 1}`, "private_key, which is not a text"},
		"null field":        {`{"private_key": null}`, "private_key, which is not a text"},
		"object":            {`{"private_key": {"` + marked + `": "x"}}`, "private_key, which is not a text"},
		"repeated":          {`{"private_key": "` + marked + `", "private_key": "` + marked + `2"}`, "each name once"},
		"unknown":           {`{"private_key": "` + key + `", "` + marked + `": "x"}`, "no secret has"},
		"other case":        {`{"Private_Key": "` + key + `"}`, "no secret has"},
		"trailing text":     {dragonValue + marked, "is not one JSON object"},
		"two objects":       {dragonValue + dragonValue, "is not one JSON object"},
		"cut":               {dragonValue[:len(dragonValue)-4], "is not one JSON object"},
		"not UTF-8":         {`{"private_key": "` + key + "\xff" + `"}`, "is not one JSON object"},
		"too large":         {`{"private_key": "` + marked + strings.Repeat("x", inputLimit) + `"}`, "is larger than 64 KiB"},
		"too large, blanks": {dragonValue + strings.Repeat(" ", inputLimit), "is larger than 64 KiB"},
		"empty key":         {`{"private_key": ""}`, "Dinar Dragon: "},
		"blank in a key":    {`{"private_key": "` + key + ` x"}`, "Dinar Dragon: "},
		"line break":        {`{"private_key": "` + key + `\n"}`, "Dinar Dragon: "},
		"key alone":         {`{"merchant_key": "` + merchant + `"}`, "merchant_password"},
		"password alone":    {`{"merchant_password": "` + marked + `"}`, "merchant_key"},
		"cannot sign":       {`{"merchant_key": "` + merchant + `", "merchant_password": "` + marked + `ß"}`, "merchant_password"},
		"one of two is wrong": {
			`{"private_key": "` + key + `", "merchant_key": "` + merchant + `", "merchant_password": " ` + marked + `"}`, "merchant_password",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("dinar-functions")
			o := a.run(t, nil, strings.NewReader(c.input))
			require.ErrorContains(t, o.err, c.says)
			require.ErrorContains(t, o.err, "nothing was set")
			require.Empty(t, a.values)
			require.Empty(t, o.stdout)
		})
	}

	t.Run("not the one that is meant", func(t *testing.T) {
		t.Parallel()
		a := newAccount("dinar-functions")
		o := a.run(t, nil, strings.NewReader(everyText), "-only", "dineropay")
		require.ErrorContains(t, o.err, "Dinar Dragon")
		require.Empty(t, a.values)
	})
	t.Run("unreadable", func(t *testing.T) {
		t.Parallel()
		o := newAccount("dinar-functions").run(t, nil, iotest.ErrReader(errors.New("disk gone")))
		require.ErrorContains(t, o.err, "disk gone")
	})
}

// script is a person who has the answers ready.
type script struct {
	answers []string
	err     error // when there is none left
	asked   []string
	said    []string
}

func (s *script) ask(_ context.Context, label string) (hidden.Text, error) {
	s.asked = append(s.asked, label)
	if len(s.answers) == 0 {
		return hidden.Text{}, s.err
	}
	text := s.answers[0]
	s.answers = s.answers[1:]
	return hidden.New(text), nil
}

func (s *script) say(line string) error {
	s.said = append(s.said, line)
	return nil
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	const p, k, w = "private_key", "merchant_key", "merchant_password"
	for name, c := range map[string]struct {
		answers []string
		args    []string
		asked   []string
		want    map[string]string
	}{
		"both":               {[]string{key, merchant, password}, nil, []string{p, k, w}, map[string]string{dragonARN: dragonValue, dineroARN: dineroValue}},
		"the first left out": {[]string{"", merchant, password}, nil, []string{p, k, w}, map[string]string{dineroARN: dineroValue}},
		"the second":         {[]string{key, ""}, nil, []string{p, k}, map[string]string{dragonARN: dragonValue}},
		"the password":       {[]string{key, merchant, ""}, nil, []string{p, k, w}, map[string]string{dragonARN: dragonValue}},
		"all left out":       {[]string{"", ""}, nil, []string{p, k}, map[string]string{}},
		"one only":           {[]string{key}, []string{"-only", "dinardragon"}, []string{p}, map[string]string{dragonARN: dragonValue}},
		"the other only":     {[]string{merchant, password}, []string{"-only", "dineropay"}, []string{k, w}, map[string]string{dineroARN: dineroValue}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := newAccount("dinar-functions"), &script{answers: c.answers}
			// Standard input is the terminal then, and nobody else may read it.
			o := a.run(t, s, iotest.ErrReader(errors.New("read")), c.args...)
			require.NoError(t, o.err)
			require.Equal(t, c.asked, s.asked)
			require.Equal(t, c.want, a.values)
			require.NotContains(t, strings.Join(s.said, "\n"), marked)
			if len(c.want) == 0 {
				require.Contains(t, o.stdout, "Nothing was set")
			}
		})
	}
}

func TestPromptRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []string
		says    string
	}{
		"a bad key":             {[]string{key + "\t"}, "private_key"},
		"a bad password":        {[]string{key, merchant, password + "ß"}, "merchant_password"},
		"no UTF-8":              {[]string{key + "\xff"}, "UTF-8"},
		"an interrupt":          {nil, "torn away"},
		"an interrupt later on": {[]string{key, merchant}, "torn away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("dinar-functions")
			o := a.run(t, &script{answers: c.answers, err: errors.New("torn away")}, nil)
			require.ErrorContains(t, o.err, c.says)
			require.ErrorContains(t, o.err, "nothing was set")
			require.Empty(t, a.values)
		})
	}
}

func TestWhereTheSecretsAre(t *testing.T) {
	t.Parallel()
	t.Run("named, so nobody is asked", func(t *testing.T) {
		t.Parallel()
		a := newAccount("another")
		o := a.run(t, nil, strings.NewReader(everyText), "-dineropay-secret", "mine", "-dinardragon-secret", dragonARN)
		require.NoError(t, o.err)
		require.Equal(t, map[string]string{"mine": dineroValue, dragonARN: dragonValue}, a.values)
		require.Zero(t, a.looked)
	})
	t.Run("the only one named", func(t *testing.T) {
		t.Parallel()
		a := newAccount("another")
		o := a.run(t, &script{answers: []string{key}}, nil, "-only", "dinardragon", "-dinardragon-secret", "mine")
		require.NoError(t, o.err)
		require.Equal(t, map[string]string{"mine": dragonValue}, a.values)
		require.Zero(t, a.looked)
	})
	t.Run("no such stack", func(t *testing.T) {
		t.Parallel()
		s := &script{answers: []string{key}}
		o := newAccount("another").run(t, s, nil)
		require.ErrorContains(t, o.err, "dinar-functions")
		require.ErrorContains(t, o.err, "eu-central-1")
		require.Empty(t, s.asked, "before anything is typed")
	})
	t.Run("no such secret in the stack", func(t *testing.T) {
		t.Parallel()
		a := newAccount("dinar-functions")
		a.stacks["dinar-functions"] = a.stacks["dinar-functions"][:1]
		s := &script{answers: []string{key}}
		o := a.run(t, s, nil)
		require.ErrorContains(t, o.err, "DineroPaySecret")
		require.Empty(t, s.asked)
		require.Empty(t, a.values)
	})
}

func TestFaultsOfSecretsManager(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, value string)
		says   string
	}{
		"not found": {func(w http.ResponseWriter, _ string) {
			refuse(w, 400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		}, "no such secret"},
		"marked for deletion": {func(w http.ResponseWriter, _ string) {
			refuse(w, 400, "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
		}, "restore it"},
		"denied":    {func(w http.ResponseWriter, _ string) { refuse(w, 400, "AccessDeniedException", "no") }, "secretsmanager:PutSecretValue"},
		"its key":   {func(w http.ResponseWriter, _ string) { refuse(w, 400, "EncryptionFailure", "no") }, "KMS"},
		"too often": {func(w http.ResponseWriter, _ string) { refuse(w, 400, "LimitExceededException", "no") }, "tomorrow"},
		"signed out": {func(w http.ResponseWriter, _ string) {
			refuse(w, 400, "UnrecognizedClientException", "The security token included in the request is invalid.")
		}, "sign in again"},
		"quotes the value": {func(w http.ResponseWriter, value string) {
			refuse(w, 400, "InvalidParameterException", "1 validation error detected: Value '"+value+"' at 'secretString' failed to satisfy constraint")
		}, "InvalidParameterException"},
		"throttled": {func(w http.ResponseWriter, _ string) { refuse(w, 400, "ThrottlingException", "Rate exceeded") }, "run this again"},
		"internal":  {func(w http.ResponseWriter, _ string) { refuse(w, 500, "InternalServiceError", "oops") }, "run this again"},
		"an echo":   {func(w http.ResponseWriter, value string) { _, _ = io.WriteString(w, value) }, ""},
		"not it":    {func(w http.ResponseWriter, value string) { http.Error(w, "<html>"+value, http.StatusBadGateway) }, "was"},
		"no answer": {func(http.ResponseWriter, string) { panic(http.ErrAbortHandler) }, "is not known, run this again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("dinar-functions")
			a.fault = func(w http.ResponseWriter, id, value string) bool {
				if id == dragonARN {
					return false
				}
				c.answer(w, value)
				return true
			}
			o := a.run(t, nil, strings.NewReader(everyText))
			require.Equal(t, map[string]string{dragonARN: dragonValue}, a.values, "the first was set")
			require.Contains(t, o.stdout, dragonARN, "and that is told")
			if c.says == "" { // a value that makes a well-formed answer
				require.NoError(t, o.err)
				return
			}
			require.ErrorContains(t, o.err, c.says)
			require.ErrorContains(t, o.err, dineroARN)
			require.NotContains(t, o.stdout, dineroARN)
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{key}, {"-stack", "live", key}, {"-only", "dinero"}, {"-private_key", key}, {"-private_key=" + key},
		{"-env", "test", "-stack", "live"}, {"-h"},
	} {
		a := newAccount("dinar-functions")
		o := a.run(t, nil, strings.NewReader(everyText), args...)
		require.ErrorIs(t, o.err, command.ErrUsage, "%q", args)
		require.NotEmpty(t, o.stderr, "%q", args)
		require.Empty(t, a.values, "%q", args)
	}
}

func TestNoConfiguration(t *testing.T) {
	t.Parallel()
	p := program{stdin: strings.NewReader(everyText), stdout: io.Discard, stderr: io.Discard}
	p.config = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) {
		return aws.Config{}, nil
	}
	require.ErrorContains(t, p.run(t.Context(), nil), "AWS_REGION")
	p.config = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) {
		return aws.Config{}, errors.New("no such profile")
	}
	require.ErrorContains(t, p.run(t.Context(), nil), "no such profile")
}

// process is the program itself, with its settings in the environment.
func process(t *testing.T, url string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = []string{
		"SECRETS_TEST_RUNS_MAIN=1", "AWS_ENDPOINT_URL=" + url, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key", "HOME=" + t.TempDir(),
	}
	return c
}

func TestCommand(t *testing.T) {
	t.Parallel()
	samconfig := filepath.Join(t.TempDir(), "samconfig.toml")
	require.NoError(t, os.WriteFile(samconfig, []byte("[test.deploy.parameters]\nstack_name = \"shop-test\"\nregion = \"me-south-1\"\n"), 0o600))
	for name, c := range map[string]struct {
		stack, input   string
		args           []string
		code           int
		stdout, stderr string
		set            int
	}{
		"by the stack":        {"shop", everyText, []string{"-stack", "shop"}, 0, dineroARN, "", 2},
		"by the environment":  {"shop-test", everyText, []string{"-env", "test", "-samconfig", samconfig}, 0, dineroARN, "", 2},
		"nowhere":             {"shop", everyText, []string{"-env", "test", "-samconfig", samconfig}, 1, "", "region me-south-1", 0},
		"no such environment": {"shop", everyText, []string{"-env", "live", "-samconfig", samconfig}, 1, "", "live.deploy.parameters", 0},
		"refused":             {"shop", `{"private_key": "MARKED x"}`, []string{"-stack", "shop"}, 1, "", "secrets: Dinar Dragon", 0},
		"usage":               {"shop", everyText, []string{key}, 2, "", "command line", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(c.stack)
			run := process(t, a.serve(t), c.args...)
			var stdout, stderr bytes.Buffer
			run.Stdin, run.Stdout, run.Stderr = strings.NewReader(c.input), &stdout, &stderr
			err := run.Run()
			var exit *exec.ExitError
			if err != nil {
				require.ErrorAs(t, err, &exit)
			}
			require.Equal(t, c.code, run.ProcessState.ExitCode(), stderr.String())
			require.Contains(t, stdout.String(), c.stdout)
			require.Contains(t, stderr.String(), c.stderr)
			require.NotContains(t, stdout.String()+stderr.String(), marked)
			require.Len(t, a.values, c.set)
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		everyText, dragonValue, dineroValue, "", "{}", "null", "[]", `"x"`, dragonValue + "x", `{"private_key": 1}`,
		`{"private_key": "a", "private_key": "b"}`, `{"private_key": "\ud800"}`, `{"merchant_key": " a", "merchant_password": "ß"}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		fields, err := decode(raw)
		if err != nil {
			return
		}
		require.NotEmpty(t, fields)
		for _, s := range bundle() {
			own := map[string]hidden.Text{}
			for name, text := range fields {
				if slices.Contains(s.fields, name) {
					own[name] = text
				}
			}
			value, err := s.compose(own)
			if err != nil {
				continue
			}
			// What will be written says the same as what was read.
			require.NoError(t, s.check([]byte(value.Reveal())))
			again, err := decode([]byte(value.Reveal()))
			require.NoError(t, err)
			require.Equal(t, own, again)
		}
	})
}
