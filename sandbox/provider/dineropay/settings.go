package dineropay

// Settings are the switches in the platform's panel.
type Settings struct {
	// CascadingContext is "Cascading Context for Get Status": the status request by
	// payment_id answers with the newest payment of its cascade, under that one's id.
	CascadingContext bool `json:"cascading_context"`
	// KeyRefusedWith401 has a wrong key or hash answered with 401, as the platform
	// documents, in place of the 400 of DineroPay's page.
	KeyRefusedWith401 bool `json:"key_refused_with_401"`
}

// Set changes the settings, from the next request on.
func (s *Simulator) Set(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = settings
}

// Settings are as they stand.
func (s *Simulator) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}
