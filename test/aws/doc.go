// Package aws holds what is deployed against emulators of AWS: the functions'
// binaries with the template's environment, SAM's build, and the operator's
// commands. `make test-aws` runs it; without emulators its tests are skipped.
package aws
