package stack

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/shared/outcome"
)

// Heard is an event as a merchant's queue behind the bus gets it.
type Heard struct {
	Source     string         `json:"source"`
	DetailType string         `json:"detail-type"`
	Detail     jsontext.Value `json:"detail"`
}

// ID is the id that names the change.
func (h Heard) ID() string {
	var detail struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(h.Detail, &detail)
	return detail.ID
}

// makeBus makes a bus as a merchant would use it: with a rule that sends all that is
// told to a queue.
func (s *Stack) makeBus(ctx context.Context, name string) (string, error) {
	if _, err := s.events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: &name}); err != nil {
		return "", err
	}
	queue, err := s.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return "", err
	}
	s.heard = aws.ToString(queue.QueueUrl)
	about, err := s.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", err
	}
	_, err = s.events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String("all"), EventBusName: &name, EventPattern: aws.String(fmt.Sprintf(`{"source": [%q]}`, outcome.Source)),
	})
	if err != nil {
		return "", err
	}
	_, err = s.events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String("all"), EventBusName: &name,
		Targets: []eventtypes.Target{{Id: aws.String("queue"), Arn: aws.String(about.Attributes["QueueArn"])}},
	})
	return name, err
}

// Heard is what has come to the queue behind the bus since it was last asked.
func (s *Stack) Heard(ctx context.Context) ([]Heard, error) {
	var all []Heard
	for {
		got, err := s.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &s.heard, MaxNumberOfMessages: 10})
		if err != nil {
			return nil, err
		}
		if len(got.Messages) == 0 {
			return all, nil
		}
		for _, message := range got.Messages {
			var heard Heard
			if err := json.Unmarshal([]byte(aws.ToString(message.Body)), &heard); err != nil {
				return nil, fmt.Errorf("a message behind the bus: %w", err)
			}
			all = append(all, heard)
			_, err := s.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &s.heard, ReceiptHandle: message.ReceiptHandle})
			if err != nil {
				return nil, err
			}
		}
	}
}
