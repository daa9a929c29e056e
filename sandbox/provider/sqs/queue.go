// Package sqs is a stand-in for one queue of Amazon SQS with its dead-letter queue,
// and for the part of Lambda that takes messages from it: for trial and tests only.
// Product code never imports it.
//
// Over HTTP it takes messages from the real SDK client. Deliver hands a batch to a
// function and obeys its partial batch response, as Lambda's poller does.
package sqs

import (
	"crypto/md5" //nolint:gosec // the protocol's check of what arrived, no secret
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// What the queue of template.yaml has, where Options say nothing else; a test holds them
// against it.
const (
	DefaultBatch       = 5
	DefaultVisibility  = 180 * time.Second
	DefaultMaxReceives = 60
)

// Options of a Queue; the zero Options have defaults that are the template's.
type Options struct {
	Now         func() time.Time // nil: the wall clock
	Batch       int              // the most messages that a function gets at a time; 0: DefaultBatch
	Visibility  time.Duration    // how long a message that was received is not seen; 0: DefaultVisibility
	MaxReceives int              // how often a message is received before it is a dead letter; 0: DefaultMaxReceives
}

// Queue is a queue in memory. It may be used by many goroutines.
type Queue struct {
	options Options

	mu   sync.Mutex // guards what follows
	made int
	live []*message // in the order in which they were sent
	dead []*message
}

// message is one message. Until visibleAt nobody sees it.
type message struct {
	id        string
	body      string
	sentAt    time.Time
	visibleAt time.Time
	receives  int
}

var _ http.Handler = (*Queue)(nil)

// New makes an empty queue.
func New(o Options) *Queue {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Batch == 0 {
		o.Batch = DefaultBatch
	}
	if o.Visibility == 0 {
		o.Visibility = DefaultVisibility
	}
	if o.MaxReceives == 0 {
		o.MaxReceives = DefaultMaxReceives
	}
	return &Queue{options: o}
}

// Message is a message as it is shown. VisibleAt is when it is seen again.
type Message struct {
	ID        string    `json:"message_id"`
	Body      string    `json:"body"`
	SentAt    time.Time `json:"sent_at"`
	Receives  int       `json:"receives"`
	VisibleAt time.Time `json:"visible_at,omitzero"`
}

// State is what is on the queue: Waiting messages can be received now, those that
// are InFlight later, unless they are deleted, and DeadLetters not at all.
type State struct {
	Waiting     []Message `json:"waiting"`
	InFlight    []Message `json:"in_flight"`
	DeadLetters []Message `json:"dead_letters"`
}

// State tells what is on the queue, oldest first.
func (q *Queue) State() State {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.options.Now()
	s := State{Waiting: []Message{}, InFlight: []Message{}, DeadLetters: []Message{}}
	for _, m := range q.live {
		if m.visibleAt.After(now) {
			shown := m.shown()
			shown.VisibleAt = m.visibleAt
			s.InFlight = append(s.InFlight, shown)
		} else {
			s.Waiting = append(s.Waiting, m.shown())
		}
	}
	for _, m := range q.dead {
		s.DeadLetters = append(s.DeadLetters, m.shown())
	}
	return s
}

func (m *message) shown() Message {
	return Message{ID: m.id, Body: m.body, SentAt: m.sentAt, Receives: m.receives}
}

// Put puts a message on the queue, as somebody else would. It returns its id.
func (q *Queue) Put(body string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.made++
	m := &message{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", q.made), body: body, sentAt: q.options.Now().UTC()}
	q.live = append(q.live, m)
	return m.id
}

// NextVisible is the earliest time after another at which a message is seen again.
func (q *Queue) NextVisible(after time.Time) (at time.Time, any bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.live {
		if m.visibleAt.After(after) && (!any || m.visibleAt.Before(at)) {
			at, any = m.visibleAt, true
		}
	}
	return at, any
}

// Redrive puts the dead letters back on the queue, as new messages, and tells how
// many there were.
func (q *Queue) Redrive() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	back := q.dead
	q.dead = nil
	for _, m := range back {
		m.receives, m.visibleAt = 0, time.Time{}
		q.live = append(q.live, m)
	}
	return len(back)
}

// receive takes a batch of messages that can be seen. Those that were received too
// often become dead letters.
func (q *Queue) receive() (batch []message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.options.Now()
	q.live = slices.DeleteFunc(q.live, func(m *message) bool {
		if len(batch) == q.options.Batch || m.visibleAt.After(now) {
			return false
		}
		if m.receives >= q.options.MaxReceives {
			m.visibleAt = time.Time{}
			q.dead = append(q.dead, m)
			return true
		}
		m.receives++
		m.visibleAt = now.Add(q.options.Visibility)
		batch = append(batch, *m)
		return false
	})
	return batch
}

func (q *Queue) remove(ids []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.live = slices.DeleteFunc(q.live, func(m *message) bool { return slices.Contains(ids, m.id) })
}

// The protocol is AWS JSON 1.0: the operation in a header, the error's name in the
// body (Amazon SQS API reference).
const target = "AmazonSQS."

type sendBatch struct {
	QueueURL string  `json:"QueueUrl"`
	Entries  []entry `json:"Entries"`
}

type entry struct {
	ID   string `json:"Id"`
	Body string `json:"MessageBody"`
}

type sent struct {
	ID        string `json:"Id"`
	MessageID string `json:"MessageId"`
	MD5       string `json:"MD5OfMessageBody"`
}

// What SQS takes in one request.
const (
	maxEntries = 10
	maxBytes   = 1 << 20
)

// ServeHTTP answers SendMessageBatch.
func (q *Queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if operation := r.Header.Get("X-Amz-Target"); operation != target+"SendMessageBatch" {
		refuse(w, "UnsupportedOperation", "This simulator takes batches of messages, nothing else.")
		return
	}
	var request sendBatch
	if err := jsonhttp.ReadUpTo(r, 2*maxBytes, &request); err != nil {
		refuse(w, "InvalidParameterValue", err.Error())
		return
	}
	bytes, ids := 0, map[string]bool{}
	for _, e := range request.Entries {
		bytes += len(e.Body)
		ids[e.ID] = true
		if e.Body == "" {
			refuse(w, "InvalidParameterValue", "A message has at least one character.")
			return
		}
	}
	switch {
	case len(request.Entries) == 0:
		refuse(w, "EmptyBatchRequest", "There are no entries in the batch.")
	case len(request.Entries) > maxEntries:
		refuse(w, "TooManyEntriesInBatchRequest", "There are more than 10 entries in the batch.")
	case bytes > maxBytes:
		refuse(w, "BatchRequestTooLong", "The messages are longer than 1 MiB in all.")
	case len(ids) < len(request.Entries):
		refuse(w, "BatchEntryIdsNotDistinct", "Two entries have the same Id.")
	default:
		var answer struct {
			Successful []sent     `json:"Successful"`
			Failed     []struct{} `json:"Failed"`
		}
		for _, e := range request.Entries {
			answer.Successful = append(answer.Successful, sent{e.ID, q.Put(e.Body), md5Of(e.Body)})
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write(jsonhttp.Encode(answer))
	}
}

func md5Of(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // the protocol's check of what arrived, no secret
	return hex.EncodeToString(sum[:])
}

func refuse(w http.ResponseWriter, kind, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService."+kind+";Sender")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(jsonhttp.Encode(map[string]string{"__type": "com.amazonaws.sqs#" + kind, "message": message}))
}
