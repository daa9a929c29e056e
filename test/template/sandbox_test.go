package template_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simsqs "dinarfunctions/sandbox/provider/sqs"
	"dinarfunctions/test/internal/template"
)

// What a trial shows of outages and dead letters is what AWS would do: the simulated
// queue has the batch, the wait and the tries of the template's.
func TestTheSandboxHasTheTemplatesQueue(t *testing.T) {
	t.Parallel()
	loaded := load(t)
	due := loaded.Resources["RecurringCharge"].Properties.Map("Events").Map("Due").Map("Properties")
	queue := loaded.Resources[template.Refers(due["Queue"])].Properties
	require.Equal(t, due.Number("BatchSize"), simsqs.DefaultBatch)
	require.Equal(t, time.Duration(queue.Number("VisibilityTimeout"))*time.Second, simsqs.DefaultVisibility)
	require.Equal(t, queue.Map("RedrivePolicy").Number("maxReceiveCount"), simsqs.DefaultMaxReceives)
}
