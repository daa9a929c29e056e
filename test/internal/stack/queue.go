package stack

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"

	"dinarfunctions/test/internal/template"
)

// makeQueues makes the template's queues, dead-letter queues before those that lay
// something aside there.
func (s *Stack) makeQueues(ctx context.Context) error {
	arns := make(map[string]string) // by logical id
	var withRedrive []template.Resource
	for _, queue := range s.Template.OfType("AWS::SQS::Queue") {
		if queue.Properties["RedrivePolicy"] != nil {
			withRedrive = append(withRedrive, queue)
		} else if err := s.makeQueue(ctx, queue, nil, arns); err != nil {
			return err
		}
	}
	for _, queue := range withRedrive {
		policy := queue.Properties.Map("RedrivePolicy")
		redrive := map[string]any{
			"deadLetterTargetArn": arns[template.Refers(policy["deadLetterTargetArn"])],
			"maxReceiveCount":     policy.Number("maxReceiveCount"),
		}
		if err := s.makeQueue(ctx, queue, redrive, arns); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) makeQueue(ctx context.Context, queue template.Resource, redrive map[string]any, arns map[string]string) error {
	attributes := make(map[string]string)
	for _, name := range []string{"VisibilityTimeout", "MessageRetentionPeriod"} {
		if seconds := queue.Properties.Number(name); seconds != 0 {
			attributes[name] = strconv.Itoa(seconds)
		}
	}
	if redrive != nil {
		policy, err := json.Marshal(redrive)
		if err != nil {
			return err
		}
		attributes["RedrivePolicy"] = string(policy)
	}
	made, err := s.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queue.ID + "-" + rand.Text()), Attributes: attributes})
	if err != nil {
		return fmt.Errorf("make queue %s: %w", queue.ID, err)
	}
	s.refs[queue.ID] = aws.ToString(made.QueueUrl)
	about, err := s.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return fmt.Errorf("read about queue %s: %w", queue.ID, err)
	}
	arns[queue.ID] = about.Attributes[string(types.QueueAttributeNameQueueArn)]
	return nil
}

// Receive takes the bodies of at most ten messages from a queue, by its logical id, and
// takes the messages away from it.
func (s *Stack) Receive(ctx context.Context, id string) (bodies []string, err error) {
	url := s.refs[id]
	got, err := s.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		return nil, fmt.Errorf("receive from queue %s: %w", id, err)
	}
	for _, m := range got.Messages {
		bodies = append(bodies, aws.ToString(m.Body))
		if _, err := s.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return bodies, fmt.Errorf("take a message away from queue %s: %w", id, err)
		}
	}
	return bodies, nil
}
