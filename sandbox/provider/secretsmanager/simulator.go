// Package secretsmanager is a stand-in for AWS Secrets Manager, for trial and
// tests only: as much of it as the real SDK client needs to read a secret and to
// set one. Product code never imports it.
package secretsmanager

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// Simulator keeps secrets in memory, by name. It may be used by many goroutines.
type Simulator struct {
	mu       sync.Mutex // guards what follows
	secrets  map[string]secret
	throttle int
	reads    int
}

type secret struct {
	value   string
	version int // 0: it has no value yet
}

var _ http.Handler = (*Simulator)(nil)

// New makes a simulator without secrets.
func New() *Simulator { return &Simulator{secrets: map[string]secret{}} }

// Create makes a secret without a value, as the template does.
func (s *Simulator) Create(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = secret{}
}

// Put gives a secret a value, and makes it if there is none.
func (s *Simulator) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = secret{value: value, version: s.secrets[name].version + 1}
}

// Throttle refuses the next requests, so many of them.
func (s *Simulator) Throttle(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttle = requests
}

// Reads is how often a value was asked for, refused requests included.
func (s *Simulator) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// The protocol is AWS JSON 1.1: the operation in a header, the error's name in
// the body (AWS Secrets Manager API reference).
const target = "secretsmanager."

type request struct {
	SecretID           string `json:"SecretId"`
	SecretString       string `json:"SecretString"`
	ClientRequestToken string `json:"ClientRequestToken"`
}

type answer struct {
	ARN           string   `json:"ARN"`
	Name          string   `json:"Name"`
	VersionID     string   `json:"VersionId"`
	SecretString  string   `json:"SecretString,omitzero"`
	VersionStages []string `json:"VersionStages"`
	CreatedDate   int64    `json:"CreatedDate,omitzero"`
}

// ServeHTTP answers GetSecretValue and PutSecretValue.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q request
	if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 128<<10), &q); err != nil {
		refuse(w, "SerializationException", "The body is not JSON.")
		return
	}
	switch r.Header.Get("X-Amz-Target") {
	case target + "GetSecretValue":
		s.get(w, q)
	case target + "PutSecretValue":
		s.Put(q.SecretID, q.SecretString)
		s.mu.Lock()
		defer s.mu.Unlock()
		write(w, answerOf(q.SecretID, s.secrets[q.SecretID]))
	default:
		refuse(w, "UnknownOperationException", "This simulator reads and sets values, nothing else.")
	}
}

func (s *Simulator) get(w http.ResponseWriter, q request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	found, exists := s.secrets[q.SecretID]
	switch {
	case s.throttle > 0:
		s.throttle--
		refuse(w, "ThrottlingException", "Rate exceeded")
	case !exists:
		refuse(w, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	case found.version == 0:
		refuse(w, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	default:
		a := answerOf(q.SecretID, found)
		a.SecretString = found.value
		a.CreatedDate = time.Now().Unix()
		write(w, a)
	}
}

func answerOf(name string, s secret) answer {
	return answer{
		ARN:           "arn:aws:secretsmanager:eu-central-1:123456789012:secret:" + name + "-AbCdEf",
		Name:          name,
		VersionID:     fmt.Sprintf("00000000-0000-4000-8000-%012d", s.version),
		VersionStages: []string{"AWSCURRENT"},
	}
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = w.Write(jsonhttp.Encode(a))
}

func refuse(w http.ResponseWriter, kind, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-ErrorType", kind)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(jsonhttp.Encode(map[string]string{"__type": kind, "message": message}))
}
