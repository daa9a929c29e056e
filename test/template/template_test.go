package template_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/dynamostore/dynamostoretest"
	"dinarfunctions/test/internal/stack"
	"dinarfunctions/test/internal/template"
	"dinarfunctions/test/lambdaruntime"
)

// top is the repository, seen from here.
const top = "../.."

func load(t *testing.T) *template.Template {
	t.Helper()
	loaded, err := template.Load(filepath.Join(top, "template.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, loaded.Functions())
	return loaded
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestEveryFunctionHasItsFolder(t *testing.T) {
	t.Parallel()
	var inTemplate []string
	for _, f := range load(t).Functions() {
		inTemplate = append(inTemplate, f.Folder+"/main.go")
	}
	onDisk, err := filepath.Glob(filepath.Join(top, "functions/*/main.go"))
	require.NoError(t, err)
	for i, file := range onDisk {
		onDisk[i], err = filepath.Rel(top, file)
		require.NoError(t, err)
	}
	require.ElementsMatch(t, onDisk, inTemplate)
}

// sampleOf is what the samples of a kind of trigger are called.
func sampleOf() map[string]string {
	return map[string]string{"HttpApi": "http", "ScheduleV2": "schedule", "SQS": "queue", "DynamoDB": "stream"}
}

func TestEveryTriggerHasItsSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(top, "events/*.json"))
	require.NoError(t, err)
	explained := make(map[string]bool)
	for _, f := range load(t).Functions() {
		triggers := f.Properties.Map("Events")
		require.NotEmpty(t, triggers, "%s is woken by nothing", f.ID)
		for name := range triggers {
			kind := triggers.Map(name).Text("Type")
			require.Contains(t, sampleOf(), kind, "%s of %s: how are its samples called?", name, f.ID)
			prefix := filepath.Base(f.Folder) + "-" + sampleOf()[kind]
			found := false
			for _, file := range files {
				if base := filepath.Base(file); base == prefix+".json" || strings.HasPrefix(base, prefix+"-") {
					found, explained[file] = true, true
				}
			}
			require.True(t, found, "events/%s.json is missing", prefix)
		}
	}
	require.ElementsMatch(t, files, sorted(explained), "a sample of no trigger")
}

func TestTheAPI(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	apis := loaded.OfType("AWS::Serverless::HttpApi")
	require.Len(t, apis, 1)
	api := apis[0].Properties
	require.Equal(t, true, api.Map("Auth")["EnableIamAuthorizer"])
	require.Equal(t, "AWS_IAM", api.Map("Auth").Text("DefaultAuthorizer"), "callers sign")
	require.NotEmpty(t, api.Map("DefaultRouteSettings")["ThrottlingRateLimit"])
	require.NotEmpty(t, api.Map("DefaultRouteSettings")["ThrottlingBurstLimit"])
	log := template.Refers(api.Map("AccessLogSettings")["DestinationArn"])
	require.Equal(t, "AWS::Logs::LogGroup", loaded.Resources[log].Type)

	for _, f := range loaded.Functions() {
		routes := make(map[string]bool)
		// Contract, HTTP API: callers sign, the callback excepted.
		open := f.ID == "ChargeCallback"
		events := f.Properties.Map("Events")
		for name := range events {
			if events.Map(name).Text("Type") != "HttpApi" {
				continue
			}
			route := events.Map(name).Map("Properties")
			require.Equal(t, apis[0].ID, template.Refers(route["ApiId"]), "%s of %s", name, f.ID)
			require.Equal(t, "ANY", route.Text("Method"), "%s of %s: API Gateway would answer 404 in its own words", name, f.ID)
			if open {
				require.Equal(t, template.Properties{"Authorizer": "NONE"}, route.Map("Auth"), "%s of %s", name, f.ID)
				require.True(t, strings.HasPrefix(route.Text("Path"), "/callbacks"), "%s of %s is open to everybody", name, f.ID)
				for _, limit := range []string{"ThrottlingRateLimit", "ThrottlingBurstLimit"} {
					own, common := route.Map("RouteSettings")[limit], api.Map("DefaultRouteSettings")[limit]
					require.Less(t, defaultOf(loaded, own), defaultOf(loaded, common), "%s of %s: anybody may call it", name, f.ID)
				}
			} else {
				require.Empty(t, route.Map("Auth"), "%s of %s is open to everybody", name, f.ID)
			}
			routes[route.Text("Path")] = true
		}
		for path := range routes {
			base := strings.TrimSuffix(path, "/{proxy+}")
			require.True(t, routes[base] && routes[base+"/{proxy+}"], "%s has %s, but not all of %s and below", f.ID, path, base)
		}
	}
}

// defaultOf is the default of the parameter that a value refers to.
func defaultOf(loaded *template.Template, value any) int {
	return loaded.Parameters[template.Refers(value)].Number("Default")
}

// A schedule comes again by itself. What failed is not repeated beside it, neither
// by Scheduler nor by Lambda.
func TestSchedules(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	found := 0
	for _, f := range loaded.Functions() {
		events := f.Properties.Map("Events")
		for name := range events {
			if events.Map(name).Text("Type") != "ScheduleV2" {
				continue
			}
			found++
			schedule := events.Map(name).Map("Properties")
			require.Equal(t, true, schedule["OmitName"], "%s of %s: two stacks of one account would collide", name, f.ID)
			once := template.Properties{"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
			require.Equal(t, once, schedule.Map("RetryPolicy"), "%s of %s", name, f.ID)
			require.Equal(t, once, f.Properties.Map("EventInvokeConfig"), f.ID)

			role := loaded.Resources[template.Refers(schedule["RoleArn"])]
			require.Equal(t, "AWS::IAM::Role", role.Type, "%s of %s", name, f.ID)
			for _, item := range role.Properties.Map("AssumeRolePolicyDocument").List("Statement") {
				statement := item.(template.Properties)
				require.Equal(t, template.Properties{"Service": "scheduler.amazonaws.com"}, statement.Map("Principal"), role.ID)
				require.NotEmpty(t, statement.Map("Condition").Map("StringEquals")["aws:SourceAccount"], "%s: for everybody's schedules", role.ID)
			}
			rights := rightsOf(t, role)
			require.Len(t, rights, 1, role.ID)
			require.Equal(t, []any{"lambda:InvokeFunction"}, rights[0].List("Action"), role.ID)
			require.Equal(t, []any{template.Properties{"Fn::GetAtt": f.ID + ".Arn"}}, rights[0].List("Resource"), role.ID)
		}
	}
	require.Positive(t, found)
}

// What a table's stream tells is told, or kept. The stream forgets after a day.
func TestStreams(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	told := make(map[string]bool)
	for _, f := range loaded.Functions() {
		for _, stream := range streamsOf(f) {
			table := loaded.Resources[template.Refers(stream["Stream"])]
			require.Equal(t, "AWS::DynamoDB::Table", table.Type, f.ID)
			told[table.ID] = true
			require.Equal(t, "NEW_AND_OLD_IMAGES", table.Properties.Map("StreamSpecification").Text("StreamViewType"), table.ID)
			require.Equal(t, "TRIM_HORIZON", stream.Text("StartingPosition"), "%s: a change in the first moments is lost", table.ID)
			require.Equal(t, []any{"ReportBatchItemFailures"}, stream.List("FunctionResponseTypes"), table.ID)
			require.Equal(t, true, stream["BisectBatchOnFunctionError"], table.ID)
			require.Positive(t, stream.Number("MaximumRetryAttempts"), "%s: a record that cannot be read holds up its shard", table.ID)
			require.Positive(t, stream.Number("MaximumRecordAgeInSeconds"), table.ID)
			require.Less(t, stream.Number("MaximumRecordAgeInSeconds"), 24*60*60, "%s: the stream has forgotten by then", table.ID)
			filters := stream.Map("FilterCriteria").List("Filters")
			require.Len(t, filters, 1, table.ID)
			require.JSONEq(t, `{"dynamodb": {"NewImage": {"change": {"S": [{"exists": true}]}}}}`, filters[0].(template.Properties).Text("Pattern"), table.ID)

			kept := loaded.Resources[template.Refers(stream.Map("DestinationConfig").Map("OnFailure")["Destination"])]
			require.Equal(t, "AWS::S3::Bucket", kept.Type, "%s: only S3 gets the records", table.ID)
			require.NotEmpty(t, kept.Properties["BucketEncryption"], kept.ID)
			for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
				require.Equal(t, true, kept.Properties.Map("PublicAccessBlockConfiguration")[block], kept.ID)
			}
			late := slices.ContainsFunc(loaded.OfType("AWS::CloudWatch::Alarm"), func(alarm template.Resource) bool {
				return alarm.Properties.Text("MetricName") == "IteratorAge" && alarm.Properties.Text("Statistic") == "Maximum" &&
					template.Refers(alarm.Properties.List("Dimensions")[0].(template.Properties)["Value"]) == f.ID
			})
			require.True(t, late, "%s: nobody hears that nothing is told any more", f.ID)
		}
	}
	for _, table := range loaded.OfType("AWS::DynamoDB::Table") {
		require.True(t, told[table.ID], "nobody is told of what changes in %s", table.ID)
	}
}

func TestTimeoutAndMemory(t *testing.T) {
	t.Parallel()
	for _, f := range load(t).Functions() {
		require.Equal(t, "provided.al2023", f.Properties.Text("Runtime"), f.ID)
		require.LessOrEqual(t, f.Properties.Number("Timeout"), 29, "%s: API Gateway gives up after 30 s", f.ID)
		require.Greater(t, f.Properties.Number("Timeout"), 10, "%s: too short to call a provider and write down what happened", f.ID)
		require.GreaterOrEqual(t, f.Properties.Number("MemorySize"), 256, f.ID)
		require.Equal(t, []any{template.Properties{"Ref": "Architecture"}}, f.Properties.List("Architectures"), f.ID)
	}
}

// term is one comparison of a metric filter's pattern.
var term = regexp.MustCompile(`\$\.([a-z]+) = "([a-z_]+)"`)

func TestEveryFunctionHasItsLogAndAlarm(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	logs := make(map[string]bool)
	for _, f := range loaded.Functions() {
		log := template.Refers(f.Properties.Map("LoggingConfig")["LogGroup"])
		require.Equal(t, "AWS::Logs::LogGroup", loaded.Resources[log].Type, f.ID)
		require.False(t, logs[log], "%s: a log of its own", f.ID)
		logs[log] = true

		watched := slices.ContainsFunc(loaded.OfType("AWS::CloudWatch::Alarm"), func(alarm template.Resource) bool {
			dimensions := alarm.Properties.List("Dimensions")
			return alarm.Properties.Text("MetricName") == "Errors" && len(dimensions) == 1 &&
				template.Refers(dimensions[0].(template.Properties)["Value"]) == f.ID
		})
		require.True(t, watched, "%s has no alarm on Errors", f.ID)
	}
	for _, log := range loaded.OfType("AWS::Logs::LogGroup") {
		require.NotEmpty(t, log.Properties["RetentionInDays"], "%s is kept for ever", log.ID)
	}
	for _, alarm := range loaded.OfType("AWS::CloudWatch::Alarm") {
		require.NotEmpty(t, alarm.Properties.Text("AlarmDescription"), "%s does not say what to do", alarm.ID)
		require.NotEmpty(t, alarm.Properties.List("AlarmActions"), "nobody is told of %s", alarm.ID)
		for _, runbook := range regexp.MustCompile(`docs/runbooks/\S+\.md`).FindAllString(alarm.Properties.Text("AlarmDescription"), -1) {
			require.FileExists(t, filepath.Join(top, runbook), alarm.ID)
		}
	}
}

// counted is one metric filter.
type counted struct {
	log, metric string
	namespace   any
	marks       []string // such as alarm=unknown
}

func filters(t *testing.T, loaded *template.Template) []counted {
	t.Helper()
	var all []counted
	for _, f := range loaded.OfType("AWS::Logs::MetricFilter") {
		pattern := f.Properties.Text("FilterPattern")
		require.Regexp(t, `^\{ (T|\(T\)( \|\| \(T\))+) \}$`, term.ReplaceAllString(pattern, "T"), f.ID)
		transformations := f.Properties.List("MetricTransformations")
		require.Len(t, transformations, 1, f.ID)
		transformation := transformations[0].(template.Properties)
		require.Equal(t, "1", transformation.Text("MetricValue"), f.ID)
		require.NotContains(t, transformation, "DefaultValue", "%s would cost money while nothing is counted", f.ID)
		c := counted{
			log: template.Refers(f.Properties["LogGroupName"]), metric: transformation.Text("MetricName"), namespace: transformation["MetricNamespace"],
		}
		for _, match := range term.FindAllStringSubmatch(pattern, -1) {
			c.marks = append(c.marks, match[1]+"="+match[2])
		}
		all = append(all, c)
	}
	require.NotEmpty(t, all)
	return all
}

// neverSaid are alarms that stand in code which a function has and does not call.
func neverSaid() map[string][]string {
	return map[string][]string{
		// It neither sweeps nor charges, and leaves subscriptions to whoever looks next. What
		// cannot be read is met by the sweeps, which look at the same charge.
		"ChargeCallback": {"alarm=unknown", "alarm=pending", "alarm=outcome_not_written", "alarm=subscription_held", "alarm=paid_twice", "alarm=unreadable"},
		// It has the ledger of charges in it because the stores are one package.
		"PayoutStatus": {
			"alarm=unknown", "alarm=pending", "alarm=outcome_not_written", "alarm=differs", "alarm=disputed", "alarm=operator_overridden", "alarm=contradiction",
			"alarm=subscription_held", "alarm=paid_twice",
		},
	}
}

// isFigure tells marks of lines that are there to be read. The schedule's sign of life is
// metric=sweep, which the same invocations write; and without messages nobody looks.
func isFigure(mark string) bool { return mark == "metric=queued" || mark == "metric=messages" }

// ofOthers tells marks of the domain from a function's own, where it has the domain's
// values and does none of its work.
func ofOthers(function, mark string) bool {
	return function == "OutcomeEvents" && mark != "alarm=untold"
}

// A log line that needs a person is counted, and somebody is told.
func TestWhatTheCodeMarksIsCounted(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for _, f := range loaded.Functions() {
		log := template.Refers(f.Properties.Map("LoggingConfig")["LogGroup"])
		found := make(map[string]bool)
		for _, filter := range filters(t, loaded) {
			for _, mark := range filter.marks {
				if filter.log == log {
					found[mark] = true
				}
			}
		}
		said := maps.Clone(readCode(t, f.Folder).marks)
		for mark := range found {
			require.True(t, said[mark], "%s is counted in %s, but %s does not say it", mark, log, f.ID)
		}
		for mark := range said {
			// Of counts, those are alarms that many of them make.
			if !strings.HasPrefix(mark, "count=") && !slices.Contains(neverSaid()[f.ID], mark) && !ofOthers(f.ID, mark) && !isFigure(mark) {
				require.True(t, found[mark], "%s says %s, but nothing counts it in %s", f.ID, mark, log)
			}
		}
	}
}

func TestWhatIsCountedHasItsAlarm(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	own := template.Properties{"Fn::Sub": "dinar-functions/${AWS::StackName}"} // or two stacks add up
	watched := make(map[string]template.Resource)
	for _, alarm := range loaded.OfType("AWS::CloudWatch::Alarm") {
		if !strings.HasPrefix(alarm.Properties.Text("Namespace"), "AWS/") {
			require.Equal(t, any(own), alarm.Properties["Namespace"], alarm.ID)
			watched[alarm.Properties.Text("MetricName")] = alarm
		}
	}
	metrics := make(map[string]bool)
	for _, filter := range filters(t, loaded) {
		require.Equal(t, any(own), filter.namespace, filter.metric)
		metrics[filter.metric] = true
		alarm := watched[filter.metric].Properties
		require.Equal(t, "Sum", alarm.Text("Statistic"), filter.metric)
		if strings.HasPrefix(filter.marks[0], "metric=") { // a sign of life, whose absence is the alarm
			require.Equal(t, "LessThanThreshold", alarm.Text("ComparisonOperator"), filter.metric)
			require.Equal(t, "breaching", alarm.Text("TreatMissingData"), filter.metric)
			continue
		}
		require.Equal(t, "GreaterThanOrEqualToThreshold", alarm.Text("ComparisonOperator"), filter.metric)
		require.Equal(t, "notBreaching", alarm.Text("TreatMissingData"), filter.metric)
		if strings.HasPrefix(filter.marks[0], "alarm=") {
			require.Equal(t, 1, alarm.Number("Threshold"), filter.metric)
		}
	}
	require.Equal(t, sorted(metrics), sorted(watched))
}

// ofTheSDK are variables that the SDK reads by itself; no settings name them.
func ofTheSDK(name string) bool { return strings.HasPrefix(name, "AWS_ENDPOINT_URL") }

func TestTheTemplateSetsWhatTheCodeReads(t *testing.T) {
	t.Parallel()
	for _, f := range load(t).Functions() {
		set := make(map[string]bool)
		for name := range f.Environment() {
			if !ofTheSDK(name) {
				set[name] = true
			}
		}
		read := readCode(t, f.Folder).variables
		require.Equal(t, sorted(read), sorted(set), "read by the code of %s, set by the template", f.ID)
		require.Contains(t, f.Environment(), "AWS_ENDPOINT_URL", "%s cannot be led to emulators by sam local invoke", f.ID)
	}
}

// Contract, Settings: what is missing stops the function at start with one line
// that names it all.
func TestAFunctionNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	for _, f := range load(t).Functions() {
		t.Run(f.ID, func(t *testing.T) {
			t.Parallel()
			function := lambdaruntime.Start(t, lambdaruntime.Build(t, filepath.Base(f.Folder)), nil)
			<-function.Exited()
			require.Equal(t, 1, function.ExitCode())
			require.Equal(t, 1, strings.Count(function.Log(), "\n"), "one line:\n%s", function.Log())
			for name := range f.Environment() {
				if !ofTheSDK(name) {
					require.Contains(t, function.Log(), name)
				}
			}
		})
	}
}

// ofThePlatform are rights that Lambda uses in a function's name, and no code
// of ours: to write its log, and to take what wakes it from queue
// and streams.
func ofThePlatform(f template.Function) map[string]bool {
	rights := map[string]bool{"logs:CreateLogStream": true, "logs:PutLogEvents": true}
	if len(streamsOf(f)) > 0 {
		for _, action := range []string{
			"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
			"s3:PutObject", "s3:ListBucket", // the failure destination
		} {
			rights[action] = true
		}
	}
	events := f.Properties.Map("Events")
	for name := range events {
		if events.Map(name).Text("Type") == "SQS" {
			rights["sqs:ReceiveMessage"], rights["sqs:DeleteMessage"], rights["sqs:GetQueueAttributes"] = true, true, true
		}
	}
	return rights
}

// streamsOf are the properties of a function's stream triggers.
func streamsOf(f template.Function) []template.Properties {
	var all []template.Properties
	events := f.Properties.Map("Events")
	for name := range events {
		if events.Map(name).Text("Type") == "DynamoDB" {
			all = append(all, events.Map(name).Map("Properties"))
		}
	}
	return all
}

// rightsOf are the statements of a role's policies, each of which says what it is
// for and on what.
func rightsOf(t *testing.T, role template.Resource) []template.Properties {
	t.Helper()
	require.Empty(t, role.Properties.List("ManagedPolicyArns"), role.ID)
	var all []template.Properties
	for _, policy := range role.Properties.List("Policies") {
		for _, item := range policy.(template.Properties).Map("PolicyDocument").List("Statement") {
			statement := item.(template.Properties)
			sid := statement.Text("Sid")
			require.NotEmpty(t, sid, "a statement of %s does not say what it is for", role.ID)
			require.Equal(t, "Allow", statement.Text("Effect"), sid)
			require.Empty(t, statement["NotAction"], sid)
			require.Empty(t, statement["NotResource"], sid)
			for _, resource := range statement.List("Resource") {
				require.NotEmpty(t, template.Refers(resource), "%s of %s: a right on %v, not on one of the stack's resources", sid, role.ID, resource)
			}
			for _, action := range statement.List("Action") {
				require.NotContains(t, action, "*", "%s of %s", sid, role.ID)
			}
			all = append(all, statement)
		}
	}
	return all
}

// queried are the indexes that each function reads (package dynamostore says which
// method reads which).
func queried() map[string][]string {
	return map[string][]string{
		"PayoutStatus":    {"Payouts/due", "Payouts/listed"},
		"RecurringCharge": {"Charges/look", "Charges/open", "Charges/payment", "Charges/subscription", "Subscriptions/due", "Subscriptions/listed"},
		"ChargeCallback":  {"Charges/payment"}, // whose a payment_id is, and no lists
	}
}

func TestIndexesAreQueriedAndTablesAreNot(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for _, f := range loaded.Functions() {
		var indexes []string
		for _, statement := range rightsOf(t, loaded.Resources[template.Refers(f.Properties["Role"])]) {
			for _, resource := range statement.List("Resource") {
				table := loaded.Resources[template.Refers(resource)]
				if table.Type != "AWS::DynamoDB::Table" {
					continue
				}
				if sub := resource.(template.Properties).Text("Fn::Sub"); sub == "${"+table.ID+".Arn}/stream/*" {
					continue // of those that wake it
				}
				path, isIndex := strings.CutPrefix(resource.(template.Properties).Text("Fn::Sub"), "${"+table.ID+".Arn}/index/")
				if !isIndex {
					require.Equal(t, template.Properties{"Fn::GetAtt": table.ID + ".Arn"}, resource, f.ID)
					require.NotContains(t, statement.List("Action"), "dynamodb:Query", f.ID)
					continue
				}
				require.Equal(t, []any{"dynamodb:Query"}, statement.List("Action"), f.ID)
				indexes = append(indexes, table.ID+"/"+path)
			}
		}
		require.ElementsMatch(t, queried()[f.ID], indexes, f.ID)
	}
}

// The tests of the stores run over the tables that are deployed. They do without the
// stream.
func TestTheTablesAreTheStores(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for id, want := range map[string]*dynamodb.CreateTableInput{
		"Charges":       dynamostoretest.Table("t"),
		"Subscriptions": dynamostoretest.SubscriptionsTable("t"),
		"Payouts":       dynamostoretest.PayoutsTable("t"),
	} {
		deployed := stack.TableInput(loaded.Resources[id], "t")
		deployed.StreamSpecification = nil
		require.Equal(t, want, deployed, id)
	}
}

// Every alarm reaches somebody, and leads to a page that says what to do; the page of
// alarms has them all.
func TestAlarms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(top, "docs", "runbooks", "alarms.md"))
	require.NoError(t, err)
	found := 0
	for id, r := range load(t).Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		found++
		require.NotEmpty(t, r.Properties.List("AlarmActions"), id)
		runbook := regexp.MustCompile(`docs/runbooks/[a-z-]+\.md`).FindString(r.Properties.Text("AlarmDescription"))
		require.NotEmpty(t, runbook, "%s leads nowhere", id)
		require.FileExists(t, filepath.Join(top, runbook), id)
		require.Contains(t, string(page), "`"+id+"`")
	}
	require.Positive(t, found)
	require.Len(t, regexp.MustCompile("(?m)^\\| `[A-Z][A-Za-z]+` \\|").FindAllString(string(page), -1), found, "the page has alarms that are none")
}

// neverAsked are requests that stand in code which a function has and does not call.
func neverAsked() map[string][]string {
	return map[string][]string{ // the ledger is never deleted from
		"RecurringCharge": {"dynamodb:DeleteItem"},
		"ChargeCallback":  {"dynamodb:DeleteItem"},
		// It reads items out of stream records with the stores' readers.
		"OutcomeEvents": {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem"},
	}
}

// What is handed back comes again, for hours, alone; then it is laid aside, and
// somebody is told.
func TestQueues(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	found := 0
	for _, f := range loaded.Functions() {
		events := f.Properties.Map("Events")
		for name := range events {
			if events.Map(name).Text("Type") != "SQS" {
				continue
			}
			found++
			source := events.Map(name).Map("Properties")
			require.Equal(t, true, source["Enabled"], name)
			require.Equal(t, []any{"ReportBatchItemFailures"}, source.List("FunctionResponseTypes"), "%s: one failed message would bring back its whole batch", name)
			require.LessOrEqual(t, source.Number("BatchSize"), 5, "%s: all of a batch are charged at once", name)
			concurrency := loaded.Parameters[template.Refers(source.Map("ScalingConfig")["MaximumConcurrency"])]
			require.GreaterOrEqual(t, concurrency.Number("MinValue"), 2, "Lambda's own limit")
			require.LessOrEqual(t, concurrency.Number("MaxValue"), 1000, "Lambda's own limit")

			queue := loaded.Resources[template.Refers(source["Queue"])]
			visibility := queue.Properties.Number("VisibilityTimeout")
			require.GreaterOrEqual(t, visibility, 6*f.Properties.Number("Timeout"), queue.ID)
			redrive := queue.Properties.Map("RedrivePolicy")
			again := redrive.Number("maxReceiveCount") * visibility
			require.GreaterOrEqual(t, again, 2*60*60, "%s: an outage of two hours would bury what is due", queue.ID)
			require.Greater(t, queue.Properties.Number("MessageRetentionPeriod"), 72*60*60, "%s: a charge may be that late", queue.ID)

			dead := loaded.Resources[template.Refers(redrive["deadLetterTargetArn"])]
			require.Equal(t, "AWS::SQS::Queue", dead.Type, queue.ID)
			require.Equal(t, 14*24*60*60, dead.Properties.Number("MessageRetentionPeriod"), dead.ID)
			require.Greater(t, dead.Properties.Number("MessageRetentionPeriod"), queue.Properties.Number("MessageRetentionPeriod"),
				"%s: its age goes on counting there", queue.ID)
			watched := slices.ContainsFunc(loaded.OfType("AWS::CloudWatch::Alarm"), func(alarm template.Resource) bool {
				dimensions := alarm.Properties.List("Dimensions")
				return alarm.Properties.Text("MetricName") == "ApproximateNumberOfMessagesVisible" && len(dimensions) == 1 &&
					template.Refers(dimensions[0].(template.Properties)["Value"]) == dead.ID
			})
			require.True(t, watched, "nobody is told of %s", dead.ID)
		}
	}
	require.Positive(t, found)
	for _, queue := range loaded.OfType("AWS::SQS::Queue") {
		require.Equal(t, true, queue.Properties["SqsManagedSseEnabled"], queue.ID)
	}
}

func TestRightsAreThoseThatTheCodeUses(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for _, f := range loaded.Functions() {
		role := loaded.Resources[template.Refers(f.Properties["Role"])]
		require.Equal(t, "AWS::IAM::Role", role.Type, "%s: SAM's own roles may write every log", f.ID)

		granted := make(map[string]bool)
		reached := make(map[string]bool) // what the rights are on
		for _, statement := range rightsOf(t, role) {
			for _, resource := range statement.List("Resource") {
				reached[template.Refers(resource)] = true
			}
			for _, action := range statement.List("Action") {
				granted[action.(string)] = true
			}
		}

		needed := maps.Clone(readCode(t, f.Folder).actions)
		for _, action := range neverAsked()[f.ID] {
			delete(needed, action)
		}
		maps.Copy(needed, ofThePlatform(f))
		require.Equal(t, sorted(needed), sorted(granted), "used by the code of %s, granted by %s", f.ID, role.ID)

		meant := map[string]bool{template.Refers(f.Properties.Map("LoggingConfig")["LogGroup"]): true}
		for _, value := range f.Environment() {
			if id := template.Refers(value); loaded.Resources[id].Type != "" {
				meant[id] = true
			}
		}
		for _, stream := range streamsOf(f) {
			meant[template.Refers(stream["Stream"])] = true
			meant[template.Refers(stream.Map("DestinationConfig").Map("OnFailure")["Destination"])] = true
		}
		require.Equal(t, sorted(meant), sorted(reached), "named to %s, allowed by %s", f.ID, role.ID)
	}
}

func TestWhatOutlivesTheStack(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	for _, r := range loaded.Resources {
		// A name that is taken keeps the stack from being made again.
		for _, name := range []string{"TableName", "LogGroupName", "Name", "RoleName", "FunctionName", "TopicName", "AlarmName", "QueueName"} {
			if r.Type != "AWS::Logs::MetricFilter" && // which names the log that it reads
				r.Type != "AWS::Events::EventBus" { // which has to have one, and goes with the stack
				require.NotContains(t, r.Properties, name, r.ID)
			}
		}
		switch r.Type {
		case "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup", "AWS::S3::Bucket":
			require.Equal(t, "Retain", r.Attributes.Text("DeletionPolicy"), r.ID)
			require.Equal(t, "Retain", r.Attributes.Text("UpdateReplacePolicy"), r.ID)
		}
	}
	for _, table := range loaded.OfType("AWS::DynamoDB::Table") {
		require.Equal(t, "PAY_PER_REQUEST", table.Properties.Text("BillingMode"), table.ID)
		require.Equal(t, true, table.Properties["DeletionProtectionEnabled"], table.ID)
		require.Equal(t, true, table.Properties.Map("PointInTimeRecoverySpecification")["PointInTimeRecoveryEnabled"], table.ID)
		require.NotContains(t, table.Properties, "TimeToLiveSpecification", "%s forgets", table.ID)
		require.Equal(t, "NEW_AND_OLD_IMAGES", table.Properties.Map("StreamSpecification").Text("StreamViewType"), table.ID)
		require.Contains(t, table.Properties.List("Tags"), template.Properties{"Key": "dinar-functions:table", "Value": strings.ToLower(table.ID)},
			"%s is not found when its stack is gone", table.ID)
	}
	for _, secret := range loaded.OfType("AWS::SecretsManager::Secret") {
		require.NotContains(t, secret.Properties, "SecretString", "%s: a deployment would put it back", secret.ID)
		require.NotContains(t, secret.Properties, "GenerateSecretString", secret.ID)
	}
}

func TestParametersAreExplainedAndBounded(t *testing.T) {
	t.Parallel()
	for name, p := range load(t).Parameters {
		require.NotEmpty(t, p.Text("Description"), name)
		require.Contains(t, p, "Default", name)
		switch {
		case p["AllowedValues"] != nil:
			require.Contains(t, p.List("AllowedValues"), p["Default"], name)
		case p.Text("Type") == "Number":
			require.Contains(t, p, "MinValue", name)
			require.GreaterOrEqual(t, p.Number("Default"), p.Number("MinValue"), name)
		default:
			require.Regexp(t, pattern(t, p), p.Text("Default"), name)
			require.NotEmpty(t, p.Text("ConstraintDescription"), "%s: a pattern is no explanation", name)
		}
	}
}

// pattern is a parameter's, which CloudFormation matches against all of a value.
func pattern(t *testing.T, p template.Properties) *regexp.Regexp {
	t.Helper()
	compiled, err := regexp.Compile(`^(?:` + p.Text("AllowedPattern") + `)$`)
	require.NoError(t, err)
	return compiled
}

func TestParametersTakeAndRefuse(t *testing.T) {
	t.Parallel()
	cases := []struct {
		parameter     string
		take, refused []string
	}{
		{
			"DinarDragonUrl",
			[]string{"https://dinardragon.com", "https://dinardragon.com/", "https://pay.example.com:8443/base/v2"},
			[]string{"", "http://dinardragon.com", "dinardragon.com", "https://user:word@dinardragon.com", "https://dinardragon.com?x=1", "https://dinardragon.com/#x", "https://dinardr\u0430gon.com"},
		},
		{
			"DineroPayUrl",
			[]string{"https://checkout.dineropay.com"},
			[]string{"http://checkout.dineropay.com", "https://checkout.dineropay.com/a b"},
		},
		{
			"DineroPayRecurringPath",
			[]string{"/api/v1/payment/recurring", "/api/v1/payment/re%D1%81urring"},
			[]string{"", "/", "api/v1", "/api/v1/", "//api", "/api/v1/payment/re\u0441urring", "/api?x", "/api%zz"},
		},
		{"SecretTtl", []string{"5m", "90s", "1h"}, []string{"", "0s", "5", "-5m", "05m", "5 m", "1.5h"}},
		{"AlarmEmail", []string{"", "payments@example.com"}, []string{"payments", "a b@example.com", "@example.com"}},
	}
	parameters := load(t).Parameters
	for _, c := range cases {
		compiled := pattern(t, parameters[c.parameter])
		for _, value := range c.take {
			require.Regexp(t, compiled, value, c.parameter)
		}
		for _, value := range c.refused {
			require.NotRegexp(t, compiled, value, c.parameter)
		}
	}
}

// The provider's page spells this path with a Cyrillic letter.
func TestTheRecurringPathIsASCII(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/api/v1/payment/recurring", load(t).Parameters["DineroPayRecurringPath"].Text("Default"))
	text, err := os.ReadFile(filepath.Join(top, "template.yaml"))
	require.NoError(t, err)
	require.NotRegexp(t, `[^\x00-\x7f]`, string(text))
}
