package duequeue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/shared/subscription"
)

// wire is a message as it stands on the queue (contract, "Schedules and queue").
type wire struct {
	Subscription *string `json:"subscription"`
	Cycle        *int    `json:"cycle"`
	Attempt      *int    `json:"attempt"`
}

// encode is the message's body.
func encode(m subscription.Message) string {
	body, err := json.Marshal(wire{&m.Subscription, &m.Cycle, &m.Attempt}, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic("duequeue: a text and two numbers cannot be encoded: " + err.Error())
	}
	return string(body)
}

// Read reads the body of a message. It takes what Send writes, and nothing else: each
// field once and none besides, a name, a cycle from 1 and an attempt from 0. The error
// says what is wrong and repeats nothing of the body, which anybody may have written
// who may write to the queue.
func Read(body string) (subscription.Message, error) {
	var w wire
	err := json.Unmarshal([]byte(body), &w, json.RejectUnknownMembers(true))
	var fault *json.SemanticError
	switch {
	case err == nil:
	case errors.Is(err, json.ErrUnknownName):
		return subscription.Message{}, errors.New("the message has a field that no message has")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return subscription.Message{}, errors.New("the message has a field twice")
	case errors.As(err, &fault) && fault.JSONPointer != "": // one of our own fields
		return subscription.Message{}, fmt.Errorf("the message's %s is of a wrong type or too large", strings.TrimPrefix(string(fault.JSONPointer), "/"))
	default:
		return subscription.Message{}, errors.New("the message is not one JSON object")
	}
	switch {
	case w.Subscription == nil:
		return subscription.Message{}, errors.New("the message lacks a subscription")
	case w.Cycle == nil:
		return subscription.Message{}, errors.New("the message lacks a cycle")
	case w.Attempt == nil:
		return subscription.Message{}, errors.New("the message lacks an attempt")
	case *w.Subscription == "":
		return subscription.Message{}, errors.New("the message's subscription is empty")
	case *w.Cycle < 1:
		return subscription.Message{}, errors.New("the message's cycle is less than 1")
	case *w.Attempt < 0:
		return subscription.Message{}, errors.New("the message's attempt is less than 0")
	}
	return subscription.Message{Subscription: *w.Subscription, Cycle: *w.Cycle, Attempt: *w.Attempt}, nil
}
