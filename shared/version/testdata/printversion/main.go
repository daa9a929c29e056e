// Command printversion prints the version it was linked with.
package main

import (
	"fmt"

	"dinarfunctions/shared/version"
)

func main() { fmt.Print(version.String()) }
