package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"dinarfunctions/cmd/internal/stack"
)

const (
	logicalID       = "Charges" // the ledger's table in template.yaml
	subscriptionsID = "Subscriptions"
	tableKind       = "AWS::DynamoDB::Table"

	// The tag by which the template marks its tables, and its values for these two.
	markKey                      = "dinar-functions:table"
	markValue, markSubscriptions = "charges", "subscriptions"
	// The tag that CloudFormation puts on what a stack makes.
	madeByKey = "aws:cloudformation:stack-name"

	// chargePrefix begins the key of every charge (package dynamostore).
	chargePrefix = "charge#"

	// parallel is how many tables are looked at at once. DynamoDB lists tags ten
	// times a second for a whole account, so more would only be throttled.
	parallel = 4
)

// findings are what there is before a deployment.
type findings struct {
	region string
	stack  string  // the stack that is about to be deployed
	own    *ledger // its ledger; nil: the stack does not exist yet, or has no table yet
	others []ledger
	// The same of tables of subscriptions, where empty means that nothing is in it.
	ownSubscriptions   *ledger
	otherSubscriptions []ledger
}

// ledger is a table of charges, or of subscriptions.
type ledger struct {
	mark    string // markValue or markSubscriptions; not set for the stack's own
	name    string
	items   int64     // about, as DynamoDB counts every six hours
	created time.Time // UTC
	madeBy  string    // the stack that made it, which may be gone; may be empty
	owner   string    // the stack that it belongs to now; empty: none. Not set for the stack's own
	// empty: there is nothing in it; for the stack's own: no charge, which is what
	// counts there.
	empty bool
}

// survey finds the ledgers and the tables of subscriptions of this region and account.
func survey(ctx context.Context, db *dynamodb.Client, cf *cloudformation.Client, name string) (findings, error) {
	found := findings{stack: name}
	own, err := stack.Resource(ctx, cf, name, logicalID)
	if err != nil && !errors.Is(err, stack.ErrNotFound) {
		return findings{}, err
	}

	ownSubscriptions, err := stack.Resource(ctx, cf, name, subscriptionsID)
	if err != nil && !errors.Is(err, stack.ErrNotFound) {
		return findings{}, err
	}

	tables, err := listTables(ctx, db)
	if err != nil {
		return findings{}, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var mu sync.Mutex // guards what is found
	for _, table := range tables {
		if table == own || table == ownSubscriptions {
			continue
		}
		group.Go(func() error {
			other, err := lookAtOther(groupCtx, db, cf, table)
			if err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case other == nil:
			case other.mark == markSubscriptions:
				found.otherSubscriptions = append(found.otherSubscriptions, *other)
			default:
				found.others = append(found.others, *other)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return findings{}, err
	}
	byName := func(a, b ledger) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(found.others, byName)
	slices.SortFunc(found.otherSubscriptions, byName)

	if own != "" {
		found.own, err = lookAtOwn(ctx, db, own)
		if err != nil {
			return findings{}, fmt.Errorf("table %s, the ledger of stack %s: %w", own, name, err)
		}
	}
	if ownSubscriptions != "" {
		found.ownSubscriptions, err = lookAtOwnSubscriptions(ctx, db, ownSubscriptions)
		if err != nil {
			return findings{}, fmt.Errorf("table %s, the subscriptions of stack %s: %w", ownSubscriptions, name, err)
		}
	}
	return found, nil
}

func listTables(ctx context.Context, db *dynamodb.Client) (names []string, err error) {
	pages := dynamodb.NewListTablesPaginator(db, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the tables: %w", err)
		}
		names = append(names, page.TableNames...)
	}
	return names, nil
}

// lookAtOwn reads the ledger of the stack that is about to be deployed.
func lookAtOwn(ctx context.Context, db *dynamodb.Client, name string) (*ledger, error) {
	description, err := describe(ctx, db, name)
	if err != nil {
		return nil, err
	}
	own := newLedger(description)
	// What else may stand in the table, such as an operator's switch, does not
	// make it a ledger that knows what was charged.
	charged, err := holds(ctx, db, &dynamodb.ScanInput{
		TableName:                 &name,
		FilterExpression:          aws.String("begins_with(pk, :charge)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":charge": &types.AttributeValueMemberS{Value: chargePrefix}},
	})
	own.empty = !charged
	return &own, err
}

// lookAtOwnSubscriptions does the same for its table of subscriptions.
func lookAtOwnSubscriptions(ctx context.Context, db *dynamodb.Client, name string) (*ledger, error) {
	description, err := describe(ctx, db, name)
	if err != nil {
		return nil, err
	}
	own := newLedger(description)
	used, err := holds(ctx, db, &dynamodb.ScanInput{TableName: &name, Limit: aws.Int32(1)})
	own.empty = !used
	return &own, err
}

// lookAtOther reads a table of which nothing is known yet. It returns nil if that
// is neither kind of table, or is deleted meanwhile.
func lookAtOther(ctx context.Context, db *dynamodb.Client, cf *cloudformation.Client, name string) (*ledger, error) {
	other, err := lookAtOtherUnlessGone(ctx, db, cf, name)
	var gone *types.ResourceNotFoundException
	if errors.As(err, &gone) {
		return nil, nil
	}
	return other, err
}

func lookAtOtherUnlessGone(ctx context.Context, db *dynamodb.Client, cf *cloudformation.Client, name string) (*ledger, error) {
	description, err := describe(ctx, db, name)
	if err != nil {
		return nil, err
	}
	if description.TableStatus == types.TableStatusDeleting {
		return nil, nil
	}
	tags, err := tagsOf(ctx, db, aws.ToString(description.TableArn))
	if err != nil {
		return nil, err
	}
	mark := tags[markKey]
	if mark != markValue && mark != markSubscriptions {
		return nil, nil
	}
	other := newLedger(description)
	other.mark = mark
	other.madeBy = tags[madeByKey]
	if other.owner, err = stack.Owner(ctx, cf, tableKind, name); err != nil {
		return nil, err
	}
	used, err := holds(ctx, db, &dynamodb.ScanInput{TableName: &name, Limit: aws.Int32(1)})
	other.empty = !used
	return &other, err
}

func newLedger(d *types.TableDescription) ledger {
	return ledger{
		name:    aws.ToString(d.TableName),
		items:   aws.ToInt64(d.ItemCount),
		created: aws.ToTime(d.CreationDateTime).UTC(),
	}
}

func describe(ctx context.Context, db *dynamodb.Client, name string) (*types.TableDescription, error) {
	answer, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, fmt.Errorf("describe it: %w", err)
	}
	if answer.Table == nil {
		return nil, errors.New("describe it: the answer holds no table")
	}
	return answer.Table, nil
}

func tagsOf(ctx context.Context, db *dynamodb.Client, arn string) (map[string]string, error) {
	tags := map[string]string{}
	in := &dynamodb.ListTagsOfResourceInput{ResourceArn: &arn}
	for {
		page, err := db.ListTagsOfResource(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list its tags: %w", err)
		}
		for _, tag := range page.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if aws.ToString(page.NextToken) == "" {
			return tags, nil
		}
		in.NextToken = page.NextToken
	}
}

// holds tells whether a scan finds anything. It reads no more pages than it has
// to, and of the items only how many they are.
func holds(ctx context.Context, db *dynamodb.Client, scan *dynamodb.ScanInput) (bool, error) {
	scan.Select = types.SelectCount
	scan.ConsistentRead = aws.Bool(true)
	pages := dynamodb.NewScanPaginator(db, scan)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("look whether it is empty: %w", err)
		}
		if page.Count > 0 {
			return true, nil
		}
	}
	return false, nil
}
