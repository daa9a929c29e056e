// Package template holds template.yaml against the code that it deploys: folders,
// samples, settings, rights and what must outlive the stack. It needs Go alone.
package template
