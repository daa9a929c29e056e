package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"dinarfunctions/cmd/internal/stack"
)

// stackAPI is the SDK's client of a CloudFormation that stands in for AWS's.
func stackAPI(t *testing.T, address string) stack.API {
	t.Helper()
	return cloudformation.New(cloudformation.Options{
		BaseEndpoint: &address, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("emulated", "emulated", ""),
	})
}
