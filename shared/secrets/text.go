package secrets

import "dinarfunctions/shared/hidden"

// Text is a secret text that cannot be printed: see hidden.Text. Its Reveal is
// the only way to the value.
type Text = hidden.Text

// NewText hides s.
func NewText(s string) Text { return hidden.New(s) }
