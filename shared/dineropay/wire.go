package dineropay

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
