package dineropay

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The shapes that the provider writes and reads. They stop at this package.

type chargeRequest struct {
	MerchantKey string       `json:"merchant_key"`
	InitTransID string       `json:"recurring_init_trans_id"`
	Token       string       `json:"recurring_token"`
	ScheduleID  string       `json:"schedule_id,omitempty"`
	Hash        string       `json:"hash"`
	Order       orderRequest `json:"order"`
}

type orderRequest struct {
	Number      string `json:"number"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
}

type statusRequest struct {
	MerchantKey string `json:"merchant_key"`
	PaymentID   string `json:"payment_id,omitempty"`
	OrderID     string `json:"order_id,omitempty"`
	Hash        string `json:"hash"`
}

// transaction is the answer to a charge and to a status request, as far as we
// use it. Names are matched exactly, and a name that comes twice makes the whole
// answer unreadable.
type transaction struct {
	Status    flexible `json:"status"`
	PaymentID flexible `json:"payment_id"`
	Reason    flexible `json:"reason"`
	Date      flexible `json:"date"`
	Order     struct {
		Number   flexible `json:"number"`
		Amount   flexible `json:"amount"`
		Currency flexible `json:"currency"`
	} `json:"order"`
}

// flexible is a text that may come as a string or as a number ("1.00" and 22),
// kept as it was written. null is no text. Anything else is an error.
type flexible string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flexible) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch value.Kind() {
	case 'n':
		*f = ""
	case '0':
		*f = flexible(value)
	case '"':
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return err
		}
		*f = flexible(s)
	default:
		return errors.New("neither a string nor a number")
	}
	return nil
}

// failure is the provider's error form.
type failure struct {
	Code    flexible `json:"error_code"`
	Message flexible `json:"error_message"`
	Errors  failures `json:"errors"`
}

// failures is a list of errors. The provider's page nests a whole second error
// object where the list should be; both are read.
type failures []failure

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *failures) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '[':
		return json.UnmarshalDecode(d, (*[]failure)(f))
	case 'n':
		return d.SkipValue()
	default:
		*f = make(failures, 1)
		return json.UnmarshalDecode(d, &(*f)[0])
	}
}

// messages are all texts of a failure, "field: text" most of them, outermost first.
func (f failure) messages() []string { return f.appendMessages(nil) }

func (f failure) appendMessages(all []string) []string {
	if f.Message != "" {
		all = append(all, string(f.Message))
	}
	for _, inner := range f.Errors {
		all = inner.appendMessages(all)
	}
	return all
}

// blamesKey tells whether one of the messages is about the hash or the merchant
// key: as "hash: …" or "merchant_key: …", or in a sentence without a field's name
// before it.
func (f failure) blamesKey() bool {
	return slices.ContainsFunc(f.messages(), func(message string) bool {
		name, _, found := strings.Cut(message, ":")
		if name = strings.TrimSpace(name); found && !strings.Contains(name, " ") {
			return strings.EqualFold(name, "hash") || strings.EqualFold(name, "merchant_key")
		}
		return keyWords.MatchString(message)
	})
}

var keyWords = regexp.MustCompile(`(?i)\b(hash|merchant[ _]key)\b`)

// names tells whether one of the messages mentions a field at all.
func (f failure) names(field string) bool {
	return slices.ContainsFunc(f.messages(), func(message string) bool {
		return strings.Contains(strings.ToLower(message), field)
	})
}

// parseFailure reads the provider's error form, and refuses what is not one.
func parseFailure(body []byte) (failure, error) {
	var f failure
	if err := json.Unmarshal(body, &f); err != nil {
		return failure{}, fmt.Errorf("not the provider's error form: %w", plainly(err))
	}
	if f.Code == "" && len(f.messages()) == 0 {
		return failure{}, errors.New("not the provider's error form")
	}
	return f, nil
}

// plainly says what kind of fault a decoder found and where, without the text
// that it found there.
func plainly(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &semantic):
		return fmt.Errorf("unexpected type at %q", string(semantic.JSONPointer))
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a name comes twice")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.ByteOffset)
	default:
		return errors.New("not JSON")
	}
}
