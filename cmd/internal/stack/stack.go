// Package stack finds what belongs to which CloudFormation stack, for the
// commands that an operator runs. The functions never ask CloudFormation: the
// template tells them all they need.
package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// ErrNotFound is what Resource and Output return where there is no such stack in
// the region, or the stack has no such resource or output.
var ErrNotFound = errors.New("not in CloudFormation")

// API is the part of *cloudformation.Client that this package uses.
type API interface {
	DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourceOutput, error)
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackResources(context.Context, *cloudformation.DescribeStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourcesOutput, error)
}

var _ API = (*cloudformation.Client)(nil)

// Resource returns the physical id, such as a table's name or a secret's ARN, of
// the resource that a stack's template calls logicalID. It wraps ErrNotFound
// where there is none, also if the resource has left the stack, was deleted or is
// not made yet.
func Resource(ctx context.Context, api API, stack, logicalID string) (string, error) {
	answer, err := api.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
		StackName:         &stack,
		LogicalResourceId: &logicalID,
	})
	if unknown, message := isUnknown(err); unknown {
		return "", fmt.Errorf("%w: %s", ErrNotFound, message)
	}
	if err != nil {
		return "", fmt.Errorf("ask CloudFormation for %s of stack %s: %w", logicalID, stack, err)
	}
	var resource types.StackResourceDetail
	if answer.StackResourceDetail != nil {
		resource = *answer.StackResourceDetail
	}
	if hasLeft(resource.ResourceStatus) || aws.ToString(resource.PhysicalResourceId) == "" {
		return "", fmt.Errorf("%w: %s of stack %s is %s", ErrNotFound, logicalID, stack, resource.ResourceStatus)
	}
	return *resource.PhysicalResourceId, nil
}

// Output returns the value that a stack gives out under a name, such as the
// template's ApiUrl. It wraps ErrNotFound where there is none, also if the stack is
// not made yet.
func Output(ctx context.Context, api API, stack, name string) (string, error) {
	answer, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if unknown, message := isUnknown(err); unknown {
		return "", fmt.Errorf("%w: %s", ErrNotFound, message)
	}
	if err != nil {
		return "", fmt.Errorf("ask CloudFormation for the output %s of stack %s: %w", name, stack, err)
	}
	for _, s := range answer.Stacks {
		for _, output := range s.Outputs {
			if value := aws.ToString(output.OutputValue); value != "" && aws.ToString(output.OutputKey) == name {
				return value, nil
			}
		}
	}
	return "", fmt.Errorf("%w: stack %s has no output %s", ErrNotFound, stack, name)
}

// Owner returns the name of the stack that a resource belongs to now, or "" if it
// belongs to none, as what is retained when its stack is deleted. kind is its
// type, such as AWS::DynamoDB::Table.
func Owner(ctx context.Context, api API, kind, physicalID string) (string, error) {
	answer, err := api.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{
		PhysicalResourceId: &physicalID,
	})
	if unknown, _ := isUnknown(err); unknown {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask CloudFormation for the stack of %s: %w", physicalID, err)
	}
	// The answer is the stack's first hundred resources, and a stack is remembered
	// for 90 days after its deletion.
	for _, r := range answer.StackResources {
		if aws.ToString(r.PhysicalResourceId) == physicalID && aws.ToString(r.ResourceType) == kind && !hasLeft(r.ResourceStatus) {
			return aws.ToString(r.StackName), nil
		}
	}
	return "", nil
}

// hasLeft tells whether a resource of this status is no longer part of the stack
// that lists it.
func hasLeft(status types.ResourceStatus) bool {
	return status == types.ResourceStatusDeleteComplete || status == types.ResourceStatusDeleteSkipped
}

// isUnknown tells whether CloudFormation knows no such stack or resource, and
// what it says. It has one error code for that and for a malformed name, so only
// the text tells them apart: "Stack 'x' does not exist", "Stack with id x does not
// exist", "Resource x does not exist for stack y", "Stack for x does not exist".
func isUnknown(err error) (bool, string) {
	var fault smithy.APIError
	if !errors.As(err, &fault) || fault.ErrorCode() != "ValidationError" || !strings.Contains(fault.ErrorMessage(), "does not exist") {
		return false, ""
	}
	return true, fault.ErrorMessage()
}
