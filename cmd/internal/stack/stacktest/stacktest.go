// Package stacktest stands in for CloudFormation in tests: the three calls that
// package stack makes, in CloudFormation's own protocol (a form in, XML out), so
// that the real SDK client can speak to it.
package stacktest

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// Stacks holds what each stack, by its name, is made of. It answers requests as
// CloudFormation does; anything else than DescribeStackResource, and
// DescribeStackResources with a PhysicalResourceId, is refused.
type Stacks map[string][]Resource

// Resource is one resource of a stack.
type Resource struct {
	LogicalID  string
	PhysicalID string
	Type       string
	Status     string // empty: CREATE_COMPLETE
}

// ServeHTTP answers one request.
func (s Stacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	switch action := r.FormValue("Action"); {
	case action == "DescribeStackResource":
		s.describe(w, r.FormValue("StackName"), r.FormValue("LogicalResourceId"))
	case action == "DescribeStackResources" && r.FormValue("StackName") == "":
		s.find(w, r.FormValue("PhysicalResourceId"))
	default:
		Refuse(w, http.StatusBadRequest, "InvalidAction", "Could not find operation "+action)
	}
}

// Outputs holds what each stack, by its name, gives out under which names. It
// answers DescribeStacks with a StackName as CloudFormation does; anything else is
// refused.
type Outputs map[string]map[string]string

// ServeHTTP answers one request.
func (o Outputs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	name := r.FormValue("StackName")
	if action := r.FormValue("Action"); action != "DescribeStacks" || name == "" {
		Refuse(w, http.StatusBadRequest, "InvalidAction", "Could not find operation "+action)
		return
	}
	outputs, ok := o[name]
	if !ok {
		Refuse(w, http.StatusBadRequest, "ValidationError", fmt.Sprintf("Stack with id %s does not exist", name))
		return
	}
	type output struct{ OutputKey, OutputValue string }
	var answer struct {
		XMLName xml.Name `xml:"DescribeStacksResponse"`
		Name    string   `xml:"DescribeStacksResult>Stacks>member>StackName"`
		Status  string   `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
		Outputs []output `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
	}
	answer.Name, answer.Status = name, "CREATE_COMPLETE"
	for key, value := range outputs {
		answer.Outputs = append(answer.Outputs, output{key, value})
	}
	write(w, http.StatusOK, answer)
}

// Refuse answers as CloudFormation does when it refuses a request.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	var fault struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
	}
	fault.Type, fault.Code, fault.Message = "Sender", code, message
	write(w, status, fault)
}

// resource is a Resource as it is sent.
type resource struct {
	StackName          string
	LogicalResourceID  string `xml:"LogicalResourceId"`
	PhysicalResourceID string `xml:"PhysicalResourceId,omitempty"`
	ResourceType       string
	ResourceStatus     string
}

func wire(stack string, r Resource) resource {
	if r.Status == "" {
		r.Status = "CREATE_COMPLETE"
	}
	return resource{
		StackName: stack, LogicalResourceID: r.LogicalID, PhysicalResourceID: r.PhysicalID,
		ResourceType: r.Type, ResourceStatus: r.Status,
	}
}

func (s Stacks) describe(w http.ResponseWriter, stack, logicalID string) {
	resources, ok := s[stack]
	if !ok {
		Refuse(w, http.StatusBadRequest, "ValidationError", fmt.Sprintf("Stack '%s' does not exist", stack))
		return
	}
	for _, r := range resources {
		if r.LogicalID == logicalID {
			var answer struct {
				XMLName xml.Name `xml:"DescribeStackResourceResponse"`
				Detail  resource `xml:"DescribeStackResourceResult>StackResourceDetail"`
			}
			answer.Detail = wire(stack, r)
			write(w, http.StatusOK, answer)
			return
		}
	}
	Refuse(w, http.StatusBadRequest, "ValidationError", fmt.Sprintf("Resource %s does not exist for stack %s", logicalID, stack))
}

func (s Stacks) find(w http.ResponseWriter, physicalID string) {
	for name, resources := range s {
		for _, sought := range resources {
			if sought.PhysicalID != physicalID {
				continue
			}
			// The whole stack, as CloudFormation answers.
			var answer struct {
				XMLName   xml.Name   `xml:"DescribeStackResourcesResponse"`
				Resources []resource `xml:"DescribeStackResourcesResult>StackResources>member"`
			}
			for _, r := range resources {
				answer.Resources = append(answer.Resources, wire(name, r))
			}
			write(w, http.StatusOK, answer)
			return
		}
	}
	Refuse(w, http.StatusBadRequest, "ValidationError", fmt.Sprintf("Stack for %s does not exist", physicalID))
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer)
}
