package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack/stacktest"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dynamostore"
)

// TestMain lets the test binary be the command itself, for exit codes.
func TestMain(m *testing.M) {
	if os.Getenv("LEDGERCHECK_TEST_RUNS_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// account is an AWS account: DynamoDB, in its own protocol and with small pages,
// and CloudFormation.
type account struct {
	tables map[string]*fakeTable
	stacks stacktest.Stacks
	// fault, if set, may answer a request itself; it then returns true.
	fault func(w http.ResponseWriter, operation, table string) bool

	mu    sync.Mutex
	calls map[string]int // by operation
}

type fakeTable struct {
	tags    map[string]string
	items   []string // their keys
	status  string   // empty: ACTIVE
	created time.Time
}

const arnPrefix = "arn:aws:dynamodb:eu-central-1:123456789012:table/"

// charges makes a table that the template has marked.
func charges(madeBy string, items ...string) *fakeTable {
	return &fakeTable{
		tags: map[string]string{
			"project": "shop", markKey: markValue, madeByKey: madeBy, "aws:cloudformation:logical-id": logicalID,
		},
		items:   items,
		created: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
	}
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, isDynamoDB := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	if !isDynamoDB {
		if a.fault == nil || !a.fault(w, "CloudFormation", "") {
			a.stacks.ServeHTTP(w, r)
		}
		return
	}
	var in struct {
		TableName, ResourceArn, ExclusiveStartTableName, NextToken string
		ConsistentRead                                             bool
		Select, FilterExpression                                   string
		Limit                                                      int
		ExpressionAttributeValues                                  map[string]map[string]string
		ExclusiveStartKey                                          map[string]map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	name := in.TableName + strings.TrimPrefix(in.ResourceArn, arnPrefix)
	a.mu.Lock()
	if a.calls == nil {
		a.calls = map[string]int{}
	}
	a.calls[target]++
	a.mu.Unlock()
	if a.fault != nil && a.fault(w, target, name) {
		return
	}
	table, ok := a.tables[name]
	if !ok && target != "ListTables" {
		fail(w, http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: "+name)
		return
	}
	switch target {
	case "ListTables":
		names := slices.Sorted(func(yield func(string) bool) {
			for n := range a.tables {
				if !yield(n) {
					return
				}
			}
		})
		start, _ := slices.BinarySearch(names, in.ExclusiveStartTableName+"\x00")
		page := names[start:min(start+2, len(names))]
		answer := map[string]any{"TableNames": page}
		if start+2 < len(names) {
			answer["LastEvaluatedTableName"] = page[1]
		}
		reply(w, http.StatusOK, answer)
	case "DescribeTable":
		status := table.status
		if status == "" {
			status = "ACTIVE"
		}
		reply(w, http.StatusOK, map[string]any{"Table": map[string]any{
			"TableName": name, "TableArn": arnPrefix + name, "TableStatus": status,
			"ItemCount": len(table.items), "CreationDateTime": float64(table.created.Unix()),
		}})
	case "ListTagsOfResource":
		keys := make([]string, 0, len(table.tags))
		for k := range table.tags {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		at, _ := strconv.Atoi(in.NextToken)
		answer := map[string]any{"Tags": []any{}}
		if at < len(keys) {
			answer["Tags"] = []any{map[string]string{"Key": keys[at], "Value": table.tags[keys[at]]}}
		}
		if at+1 < len(keys) {
			answer["NextToken"] = strconv.Itoa(at + 1)
		}
		reply(w, http.StatusOK, answer)
	case "Scan":
		if !in.ConsistentRead || in.Select != "COUNT" {
			fail(w, http.StatusBadRequest, "ValidationException", "the check reads consistently, and no items")
			return
		}
		// One item is read at a time, and the filter is applied to what was read.
		start, _ := strconv.Atoi(in.ExclusiveStartKey["pk"]["S"])
		count := 0
		if start < len(table.items) && (in.FilterExpression == "" ||
			strings.HasPrefix(table.items[start], in.ExpressionAttributeValues[":charge"]["S"])) {
			count = 1
		}
		answer := map[string]any{"Count": count, "ScannedCount": 1}
		if start+1 < len(table.items) {
			answer["LastEvaluatedKey"] = map[string]any{"pk": map[string]string{"S": strconv.Itoa(start + 1)}}
		}
		reply(w, http.StatusOK, answer)
	default:
		fail(w, http.StatusBadRequest, "UnknownOperationException", target)
	}
}

func fail(w http.ResponseWriter, status int, kind, message string) {
	reply(w, status, map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + kind, "message": message})
}

func reply(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (a *account) serve(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server
}

// check runs the command on the account.
func (a *account) check(t *testing.T, args ...string) (string, error) {
	t.Helper()
	url := a.serve(t).URL
	var out, usage bytes.Buffer
	err := run(t.Context(), args, &out, &usage, func(context.Context) (aws.Config, error) { return configOf(url), nil })
	return out.String() + usage.String(), err
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

// stackOf is a stack with the ledger's table.
func stackOf(table string) []stacktest.Resource {
	return []stacktest.Resource{
		{LogicalID: "Api", PhysicalID: "api-1", Type: "AWS::ApiGatewayV2::Api"},
		{LogicalID: logicalID, PhysicalID: table, Type: tableKind},
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	unmarked := &fakeTable{items: []string{"x"}}
	payouts := &fakeTable{tags: map[string]string{markKey: "payouts"}, items: []string{"gold-42"}}
	subscriptions := func(items ...string) *fakeTable {
		return &fakeTable{tags: map[string]string{markKey: "subscriptions", madeByKey: "live"}, items: items}
	}
	withSubscriptions := func(table string) []stacktest.Resource {
		return append(stackOf("live-Charges-2"), stacktest.Resource{LogicalID: subscriptionsID, PhysicalID: table, Type: tableKind})
	}
	for name, c := range map[string]struct {
		tables map[string]*fakeTable
		stacks stacktest.Stacks
		stops  bool
		says   []string
		not    []string
	}{
		"nothing there": {says: []string{"no ledger yet", "live", "eu-central-1"}},
		"others' tables": {
			tables: map[string]*fakeTable{"a": unmarked, "b": unmarked, "c": payouts, "d": unmarked, "e": unmarked},
			not:    []string{"a ", "gold-42"},
		},
		"retained, no stack": {
			tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1", "charge#2"), "x": unmarked},
			stops:  true,
			says:   []string{"live-Charges-1", "no ledger yet", "2026-01-31 12:00 UTC", "  2\n", runbook, "FORCE=1"},
		},
		"retained, its stack is remembered": {
			tables: map[string]*fakeTable{"old-Charges-1": charges("old", "charge#1")},
			stacks: stacktest.Stacks{"old": {{LogicalID: logicalID, PhysicalID: "old-Charges-1", Type: tableKind, Status: "DELETE_SKIPPED"}}},
			stops:  true,
			says:   []string{"old-Charges-1"},
		},
		"retained, the stack has no table yet": {
			tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1")},
			stacks: stacktest.Stacks{"live": {{LogicalID: "Api", PhysicalID: "api-1"}}},
			stops:  true,
			says:   []string{"no ledger yet"},
		},
		"retained, own empty": {
			tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1"), "live-Charges-2": charges("live")},
			stacks: stacktest.Stacks{"live": stackOf("live-Charges-2")},
			stops:  true,
			says:   []string{"live-Charges-1", "live-Charges-2, which holds no charge"},
		},
		"retained, own without a charge": {
			tables: map[string]*fakeTable{
				"live-Charges-1": charges("live", "charge#1"),
				"live-Charges-2": charges("live", "switch#charging", "switch#other"),
			},
			stacks: stacktest.Stacks{"live": stackOf("live-Charges-2")},
			stops:  true,
			says:   []string{"holds no charge"},
		},
		"retained, own in use": {
			tables: map[string]*fakeTable{
				"live-Charges-1": charges("live", "charge#1"),
				"live-Charges-2": charges("live", "switch#charging", "charge#9"),
			},
			stacks: stacktest.Stacks{"live": stackOf("live-Charges-2")},
			says:   []string{"charges with the ledger live-Charges-2", "  live-Charges-1 "},
			not:    []string{"STOP"},
		},
		"own in use, without the tag yet": {
			tables: map[string]*fakeTable{"live-Charges-2": {items: []string{"charge#9"}}},
			stacks: stacktest.Stacks{"live": stackOf("live-Charges-2")},
			says:   []string{"live-Charges-2; no retained ledger"},
		},
		"adopted": {
			tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1")},
			stacks: stacktest.Stacks{"live": {{LogicalID: logicalID, PhysicalID: "live-Charges-1", Type: tableKind, Status: "IMPORT_COMPLETE"}}},
			says:   []string{"live-Charges-1; no retained ledger"},
		},
		"another stack's": {
			tables: map[string]*fakeTable{"test-Charges-1": charges("test", "charge#1")},
			stacks: stacktest.Stacks{"test": stackOf("test-Charges-1")},
			says:   []string{"test-Charges-1, the ledger of stack test"},
			not:    []string{"STOP"},
		},
		"retained and empty": {
			tables: map[string]*fakeTable{"live-Charges-1": charges("live")},
			says:   []string{"live-Charges-1, which belongs to no stack and is empty"},
			not:    []string{"STOP"},
		},
		"subscriptions retained, no stack": {
			tables: map[string]*fakeTable{"live-Subscriptions-1": subscriptions("gold-42")},
			stops:  true,
			says:   []string{"no ledger yet", "STOP", "has no subscriptions yet", "live-Subscriptions-1"},
		},
		"subscriptions retained, own empty": {
			tables: map[string]*fakeTable{
				"live-Charges-2":       charges("live", "charge#9"),
				"live-Subscriptions-1": subscriptions("gold-42"), "live-Subscriptions-2": subscriptions(),
			},
			stacks: stacktest.Stacks{"live": withSubscriptions("live-Subscriptions-2")},
			stops:  true,
			says:   []string{"live-Subscriptions-2, which holds no subscription", "  live-Subscriptions-1 "},
		},
		"subscriptions retained, own in use": {
			tables: map[string]*fakeTable{
				"live-Charges-2":       charges("live", "charge#9"),
				"live-Subscriptions-1": subscriptions("gold-42"), "live-Subscriptions-2": subscriptions("silver-1"),
			},
			stacks: stacktest.Stacks{"live": withSubscriptions("live-Subscriptions-2")},
			says:   []string{"  live-Subscriptions-1 ", "not charged"},
			not:    []string{"STOP"},
		},
		"subscriptions in use, and of another stack": {
			tables: map[string]*fakeTable{
				"live-Charges-2": charges("live", "charge#9"), "live-Subscriptions-2": subscriptions("silver-1"),
				"test-Subscriptions-1": subscriptions("gold-42"),
			},
			stacks: stacktest.Stacks{
				"live": withSubscriptions("live-Subscriptions-2"),
				"test": {{LogicalID: subscriptionsID, PhysicalID: "test-Subscriptions-1", Type: tableKind}},
			},
			not: []string{"STOP", "Subscriptions"},
		},
		"the first deployment with subscriptions": {
			tables: map[string]*fakeTable{"live-Charges-2": charges("live", "charge#9")},
			stacks: stacktest.Stacks{"live": stackOf("live-Charges-2")},
			not:    []string{"STOP", "ubscriptions"},
		},
		"on its way out": {
			tables: map[string]*fakeTable{"live-Charges-1": {
				tags: charges("live").tags, items: []string{"charge#1"}, status: "DELETING",
			}},
			not: []string{"live-Charges-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := (&account{tables: c.tables, stacks: c.stacks}).check(t, "-stack", "live")
			if c.stops {
				require.ErrorIs(t, err, errStop, out)
			} else {
				require.NoError(t, err, out)
			}
			for _, text := range c.says {
				require.Contains(t, out, text)
			}
			for _, text := range c.not {
				require.NotContains(t, out, text)
			}
		})
	}
}

func TestManyTables(t *testing.T) {
	t.Parallel()
	a := &account{tables: map[string]*fakeTable{}}
	for i := range 101 {
		a.tables[fmt.Sprintf("table-%03d", i)] = &fakeTable{items: []string{"x"}}
	}
	a.tables["table-100"] = charges("live", "charge#1")
	out, err := a.check(t, "-stack", "live")
	require.ErrorIs(t, err, errStop)
	require.Contains(t, out, "table-100")
	require.Equal(t, 51, a.calls["ListTables"], "the pages")
	require.Equal(t, 1, a.calls["Scan"], "only ledgers are looked into")
}

// While anything is unknown, the answer is neither "go on" nor "stop".
func TestWhatCannotBeFoundOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation string
		says      string
		answer    func(w http.ResponseWriter)
	}{
		"stack":                {"CloudFormation", "AccessDenied", func(w http.ResponseWriter) { stacktest.Refuse(w, 403, "AccessDenied", "no") }},
		"tables":               {"ListTables", "AccessDeniedException", func(w http.ResponseWriter) { fail(w, 400, "AccessDeniedException", "no") }},
		"a table":              {"DescribeTable", "live-Charges-", func(w http.ResponseWriter) { fail(w, 400, "AccessDeniedException", "no") }},
		"tags":                 {"ListTagsOfResource", "live-Charges-1", func(w http.ResponseWriter) { fail(w, 400, "AccessDeniedException", "no") }},
		"content":              {"Scan", "live-Charges-", func(w http.ResponseWriter) { fail(w, 500, "InternalServerError", "no") }},
		"not DynamoDB":         {"ListTables", "list the tables", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }},
		"nothing described":    {"DescribeTable", "holds no table", func(w http.ResponseWriter) { reply(w, 200, map[string]any{}) }},
		"no answer":            {"Scan", "live-Charges-", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
		"the stack's is gone":  {"Scan", "the ledger of stack live", func(w http.ResponseWriter) { fail(w, 400, "ResourceNotFoundException", "no") }},
		"throttled to the end": {"ListTagsOfResource", "live-Charges-1", func(w http.ResponseWriter) { fail(w, 400, "ThrottlingException", "no") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &account{
				tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1"), "live-Charges-2": charges("live")},
				stacks: stacktest.Stacks{"live": stackOf("live-Charges-2")},
				fault: func(w http.ResponseWriter, operation, _ string) bool {
					if operation != c.operation {
						return false
					}
					c.answer(w)
					return true
				},
			}
			out, err := a.check(t, "-stack", "live")
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "stack live")
			require.NotErrorIs(t, err, errStop)
			require.Empty(t, out)
		})
	}
}

// A table that goes while it is looked at is no ledger.
func TestTablesThatGoMeanwhile(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"DescribeTable", "ListTagsOfResource", "Scan"} {
		a := &account{
			tables: map[string]*fakeTable{"going": charges("live", "charge#1")},
			fault: func(w http.ResponseWriter, o, table string) bool {
				if o != operation {
					return false
				}
				fail(w, 400, "ResourceNotFoundException", "no "+table)
				return true
			},
		}
		out, err := a.check(t, "-stack", "live")
		require.NoError(t, err, operation)
		require.NotContains(t, out, "going", operation)
	}
}

// Throttling passes: DynamoDB lists tags ten times a second.
func TestThrottling(t *testing.T) {
	t.Parallel()
	throttled := map[string]bool{}
	var mu sync.Mutex
	a := &account{
		tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1")},
		fault: func(w http.ResponseWriter, operation, _ string) bool {
			mu.Lock()
			defer mu.Unlock()
			if throttled[operation] || operation == "CloudFormation" {
				return false
			}
			throttled[operation] = true
			fail(w, 400, "ThrottlingException", "Rate exceeded")
			return true
		},
	}
	_, err := a.check(t, "-stack", "live")
	require.ErrorIs(t, err, errStop)
}

func TestTheKeyOfACharge(t *testing.T) {
	t.Parallel()
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Key map[string]map[string]string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		asked = in.Key["pk"]["S"]
		reply(w, 200, map[string]any{})
	}))
	t.Cleanup(server.Close)
	_, err := dynamostore.NewCharges(dynamodb.NewFromConfig(configOf(server.URL)), "t").Get(t.Context(), "order-1")
	require.ErrorIs(t, err, charge.ErrNotFound)
	require.Equal(t, chargePrefix+"order-1", asked, "the check looks for charges under the prefix that the store gives them")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-stack", ""}, {"-stack", "live", "test"}, {"live"}, {"-force"}, {"-h"}} {
		out, err := (&account{}).check(t, args...)
		require.ErrorIs(t, err, command.ErrUsage, "%q", args)
		require.Contains(t, out, "-stack", "%q", args)
	}
}

func TestNoRegionNoConfiguration(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"-stack", "live"}, io.Discard, io.Discard,
		func(context.Context) (aws.Config, error) { return aws.Config{}, nil })
	require.ErrorContains(t, err, "AWS_REGION")
	err = run(t.Context(), []string{"-stack", "live"}, io.Discard, io.Discard,
		func(context.Context) (aws.Config, error) { return aws.Config{}, errors.New("no such profile") })
	require.ErrorContains(t, err, "no such profile")
}

// The command as `make deploy` runs it: settings from the environment, exit code
// and words.
func TestCommand(t *testing.T) {
	t.Parallel()
	full := &account{tables: map[string]*fakeTable{"live-Charges-1": charges("live", "charge#1")}}
	denied := &account{fault: func(w http.ResponseWriter, _, _ string) bool {
		fail(w, 400, "AccessDeniedException", "not authorized")
		return true
	}}
	for name, c := range map[string]struct {
		account        *account
		args           []string
		code           int
		stdout, stderr string
	}{
		"go on": {&account{}, []string{"-stack", "live"}, 0, "no ledger yet", ""},
		"stop":  {full, []string{"-stack", "live"}, 3, "STOP", ""},
		"fault": {denied, []string{"-stack", "live"}, 1, "", "ledgercheck: whether stack live"},
		"usage": {full, nil, 2, "", "-stack NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), os.Args[0], c.args...)
			command.Env = []string{
				"LEDGERCHECK_TEST_RUNS_MAIN=1", "AWS_ENDPOINT_URL=" + c.account.serve(t).URL,
				"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key", "HOME=" + t.TempDir(),
			}
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			err := command.Run()
			var exit *exec.ExitError
			if err != nil {
				require.ErrorAs(t, err, &exit)
			}
			require.Equal(t, c.code, command.ProcessState.ExitCode(), stderr.String())
			require.Contains(t, stdout.String(), c.stdout)
			require.Contains(t, stderr.String(), c.stderr)
		})
	}
}
